package people

// area is a postcode area: its letters, post town and county, and about how many
// districts it has.
type area struct {
	letters, town, county string
	districts             int
}

// areas lists postcode areas all over Britain, larger ones more than once.
func areas() []area {
	return []area{
		{"B", "Birmingham", "West Midlands", 48}, {"B", "Birmingham", "West Midlands", 48},
		{"M", "Manchester", "Greater Manchester", 35}, {"M", "Manchester", "Greater Manchester", 35},
		{"LS", "Leeds", "West Yorkshire", 29}, {"S", "Sheffield", "South Yorkshire", 36},
		{"SE", "London", "Greater London", 28}, {"SW", "London", "Greater London", 20},
		{"N", "London", "Greater London", 22}, {"NW", "London", "Greater London", 11},
		{"E", "London", "Greater London", 18}, {"W", "London", "Greater London", 14},
		{"CR", "Croydon", "Surrey", 9}, {"BR", "Bromley", "Kent", 8}, {"HA", "Harrow", "Middlesex", 9},
		{"BS", "Bristol", "Avon", 39}, {"BD", "Bradford", "West Yorkshire", 24}, {"L", "Liverpool", "Merseyside", 40},
		{"NE", "Newcastle upon Tyne", "Tyne and Wear", 49}, {"NG", "Nottingham", "Nottinghamshire", 34},
		{"LE", "Leicester", "Leicestershire", 19}, {"CV", "Coventry", "West Midlands", 23}, {"HU", "Hull", "East Yorkshire", 20},
		{"DN", "Doncaster", "South Yorkshire", 41}, {"YO", "York", "North Yorkshire", 62}, {"WF", "Wakefield", "West Yorkshire", 17},
		{"HD", "Huddersfield", "West Yorkshire", 9}, {"DE", "Derby", "Derbyshire", 24}, {"ST", "Stoke-on-Trent", "Staffordshire", 21},
		{"WV", "Wolverhampton", "West Midlands", 16}, {"PR", "Preston", "Lancashire", 26}, {"BL", "Bolton", "Lancashire", 9},
		{"OL", "Oldham", "Lancashire", 16}, {"SK", "Stockport", "Cheshire", 23}, {"CH", "Chester", "Cheshire", 66},
		{"SR", "Sunderland", "Tyne and Wear", 8}, {"DL", "Darlington", "County Durham", 17}, {"TS", "Middlesbrough", "Cleveland", 29},
		{"PE", "Peterborough", "Cambridgeshire", 38}, {"CB", "Cambridge", "Cambridgeshire", 25}, {"NR", "Norwich", "Norfolk", 35},
		{"IP", "Ipswich", "Suffolk", 33}, {"CO", "Colchester", "Essex", 16}, {"RM", "Romford", "Essex", 20},
		{"LU", "Luton", "Bedfordshire", 7}, {"MK", "Milton Keynes", "Buckinghamshire", 19}, {"NN", "Northampton", "Northamptonshire", 18},
		{"OX", "Oxford", "Oxfordshire", 49}, {"RG", "Reading", "Berkshire", 45}, {"SL", "Slough", "Berkshire", 9},
		{"GU", "Guildford", "Surrey", 52}, {"BN", "Brighton", "East Sussex", 45}, {"ME", "Rochester", "Kent", 20}, {"CT", "Canterbury", "Kent", 21},
		{"PO", "Portsmouth", "Hampshire", 41}, {"SO", "Southampton", "Hampshire", 53}, {"BH", "Bournemouth", "Dorset", 31},
		{"EX", "Exeter", "Devon", 39}, {"PL", "Plymouth", "Devon", 35}, {"TR", "Truro", "Cornwall", 27}, {"TA", "Taunton", "Somerset", 24},
		{"GL", "Gloucester", "Gloucestershire", 56}, {"WR", "Worcester", "Worcestershire", 15}, {"HR", "Hereford", "Herefordshire", 9},
		{"CF", "Cardiff", "South Glamorgan", 83}, {"SA", "Swansea", "West Glamorgan", 73}, {"NP", "Newport", "Gwent", 44}, {"LL", "Llandudno", "Conwy", 77},
		{"G", "Glasgow", "Lanarkshire", 84}, {"G", "Glasgow", "Lanarkshire", 84}, {"EH", "Edinburgh", "Midlothian", 55},
		{"AB", "Aberdeen", "Aberdeenshire", 56}, {"DD", "Dundee", "Angus", 11}, {"IV", "Inverness", "Highland", 63}, {"BT", "Belfast", "County Antrim", 94},
	}
}

const (
	streetNames = "High Station Church Park Victoria Green Manor Kings Queens Main New Mill Grange School North South West East " +
		"Springfield George London Chapel Albert Windsor Stanley Alexandra Albion Orchard Highfield Meadow Woodlands Beech Oak Ash " +
		"Elm Willow Cedar Chestnut Hawthorn Sycamore Maple Poplar Lime Birch Holly Laurel Primrose Heather Bramble Trevelyan Boar Harrogate"
	streetKinds = "Road Street Lane Avenue Close Drive Gardens Grove Crescent Terrace Way Court Place View Rise Hill"
	// inwardLetters are those of a postcode's last two characters: C, I, K, M, O and V are
	// not used there.
	inwardLetters = "ABDEFGHJLNPQRSTUWXYZ"
)
