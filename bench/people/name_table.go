package people

// An origin is where a family's names come from. The tables list the more frequent
// names first; how often each is drawn is said where it is drawn.
type origin struct {
	// share is how many families of 1,000 have it (census of England and Wales 2021,
	// with Scotland's, rounded).
	share    int
	surnames string
	// male and female hold the given names of three generations: born before 1950,
	// before 1985, and since. One generation stands for all where there is only one.
	male, female [3]string
	// feminine: a woman's surname in -ski is in -ska.
	feminine bool
	// composed: some surnames are put together from English place-name parts.
	composed bool
}

const (
	englishSurnames = "Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker White " +
		"Roberts Green Hall Wood Jackson Clarke Harris Clark Turner Hill Cooper Ward Moore Morris Watson Harrison King " +
		"Baker Martin Morgan Allen James Scott Phillips Mitchell Parker Bennett Cook Shaw Lee Bell Cox Richardson Young " +
		"Marshall Carter Collins Simpson Chapman Webb Rogers Gray Mills Hunt Palmer Holmes Mason Knight Barker Powell " +
		"Stevens Pearson Matthews Fox Barnes Dixon Fisher Lloyd Price Hughes Wells Saunders West Andrews Foster Booth " +
		"Lawrence Elliott Spencer Hudson Rose Payne Dean Day Burton Newman Armstrong Atkinson Barrett Birch Bird Bishop " +
		"Black Bolton Bradley Brooks Bull Burgess Carr Chambers Cole Coleman Crawford Curtis Dawson Fletcher Ford Francis " +
		"Freeman French Gibson Gilbert Goodwin Hart Harvey Hawkins Hayes Higgins Hodgson Holland Hopkins Howard"
	scottishSurnames = "Campbell Stewart Robertson Anderson MacDonald Murray Reid Ross Paterson Henderson Hamilton Graham Kerr " +
		"Fraser Wallace McDonald Duncan Ferguson Cameron Johnston McKenzie Sinclair Grant Sutherland Munro MacLeod McLean Mackay " +
		"Gordon Boyd Craig Drummond Lindsay Douglas Buchanan Muir Rennie McIntyre McGregor Forbes Baird"
	welshSurnames = "Jones Williams Davies Evans Thomas Roberts Lewis Hughes Morgan Griffiths Edwards Owen Rees Price Lloyd " +
		"Jenkins Powell Phillips Howell Pritchard Bowen Parry Vaughan Llewellyn Humphreys Probert Beynon Gwynne"
	irishSurnames = "Murphy Kelly Walsh Ryan O'Brien Byrne O'Connor Doyle McCarthy Gallagher Kennedy Lynch Quinn Murray " +
		"McLaughlin Daly Moran Brennan O'Neill O'Sullivan Burke Nolan Flynn Fitzgerald O'Reilly Kavanagh Sweeney Duffy Healy " +
		"Maguire Keane Sheehan O'Donnell"
	muslimSurnames = "Khan Ahmed Hussain Ali Begum Malik Shah Iqbal Mahmood Akhtar Hassan Miah Uddin Chowdhury Rahman Islam " +
		"Mohammed Bibi Aslam Rashid Qureshi Butt Mirza Sheikh Siddiqui Raza Zaman Hoque Alam Javed"
	indianSurnames = "Patel Singh Kaur Shah Sharma Gill Kumar Desai Joshi Mistry Gupta Mehta Sandhu Dhillon Chauhan Parmar " +
		"Solanki Nair Reddy Thomas Fernandes Banerjee Bains Grewal Sidhu Rana Verma Modi Krishnan Pillai"
	polishSurnames = "Kowalski Nowak Wiśniewski Wójcik Kamiński Lewandowski Zieliński Szymański Woźniak Dąbrowski Kozłowski " +
		"Jankowski Mazur Krawczyk Piotrowski Grabowski Pawłowski Michalski Król Wieczorek Jabłoński Wróbel Majewski Stępień Malinowski"
	africanSurnames = "Okafor Mensah Adeyemi Osei Okonkwo Boateng Owusu Balogun Abdi Mohamed Ibrahim Nwosu Eze Asante Appiah " +
		"Moyo Ndlovu Hassan Osman Bello Olawale Adebayo Sithole Banda Kamara Sesay Koroma Tesfaye Kiprop Wanjiru"
	caribbeanSurnames = "Campbell Brown Williams Grant Johnson Gordon Francis Reid Henry Clarke Lewis Bailey Thomas Edwards " +
		"Morgan Joseph Charles Baptiste Alleyne Braithwaite Beckford Dacosta Pinnock Samuels Blake Palmer"
	chineseSurnames = "Chen Wong Li Chan Zhang Wang Liu Lam Cheung Lau Ng Ho Leung Huang Yang Lin Wu Tang Xu Zhou Chow Tsang Yip"
	turkishSurnames = "Yılmaz Kaya Demir Şahin Çelik Yıldız Aydın Özdemir Arslan Doğan Kılıç Aslan Çetin Kara Koç Kurt Özkan Şimşek Polat Erdoğan"

	composedStarts = "Ash Brad Hather Whit Hart Stan Lang Thorn Hol Pen Win Bar Cran Els Far Had Ken Lock Mar Nor Oak Rad Sand Shel " +
		"Sut Thur Up Wal Wex Wood Bos Bick Clif Dray Ever Fair Grims Hux Ing Kirk"
	composedEnds = "worth ley ton ford well by stone wick combe bourne field ham wood brook shaw gate den more ridge land bury croft hurst man"

	oldMen = "John William George James Ronald Robert Kenneth Frederick Thomas Albert Eric Edward Arthur Charles Leslie Sidney " +
		"Frank Harold Alan Donald Raymond Dennis Peter Norman Stanley Roy Derek Gordon Leonard Cyril Walter Ernest"
	oldWomen = "Mary Margaret Joan Doris Joyce Dorothy Kathleen Irene Betty Eileen Doreen Vera Jean Phyllis Sheila Barbara " +
		"Marjorie Edith Hilda Elsie Audrey Winifred Gladys Patricia Ivy Beryl June Pamela Olive Brenda Maureen Sylvia"
	men = "David Paul Andrew Mark Stephen Michael Christopher Ian Robert John Richard Steven Peter Simon Anthony James Gary " +
		"Kevin Matthew Martin Philip Nicholas Graham Neil Stuart Darren Jason Lee Craig Jonathan Timothy Wayne Adrian Carl Sean Barry"
	women = "Susan Julie Karen Jacqueline Deborah Tracey Jane Helen Diane Sharon Sarah Alison Caroline Nicola Linda Claire " +
		"Joanne Michelle Lisa Emma Amanda Samantha Rachel Louise Angela Lorraine Elizabeth Catherine Dawn Kerry Victoria Rebecca Gillian Wendy Anne"
	boys = "Jack Thomas Daniel James Joshua Oliver Harry George Noah Muhammad Leo Arthur Jacob Charlie Alfie Samuel William " +
		"Ethan Liam Callum Ryan Luke Connor Adam Alexander Benjamin Max Theo Archie Freddie Lewis Henry Oscar Nathan Jamie Logan"
	girls = "Olivia Amelia Emily Sophie Jessica Chloe Grace Lily Isla Ava Mia Ella Megan Charlotte Isabella Freya Evie Poppy " +
		"Hannah Lucy Holly Bethany Georgia Katie Lauren Molly Daisy Florence Abigail Rosie Ruby Erin Zoe Phoebe Imogen Anne-Marie"
	scottishBoys = "Callum Ewan Fraser Angus Cameron Hamish Euan Rory Finlay Lewis Struan Blair Murray Duncan Craig Alasdair"
	scotsGirls   = "Eilidh Isla Kirsty Catriona Mairi Iona Ailsa Morag Skye Fiona Catherine Shona Lorna Heather"
	welshMen     = "David Gareth Rhys Dylan Owain Huw Gethin Ieuan Evan Aled Geraint Iwan Emyr Dafydd Emlyn Osian Tomos"
	welshWomen   = "Siân Rhiannon Megan Bethan Carys Cerys Angharad Seren Ffion Elin Nia Gwen Eleri Non Catrin Mair Lowri"
	irishMen     = "Patrick Sean Michael Liam Conor Brendan Declan Aidan Eoin Kieran Niall Cormac Fergus Dermot Ciarán Seamus"
	irishWomen   = "Mary Bridget Siobhan Niamh Aoife Sinead Orla Maeve Róisín Deirdre Caitlin Nuala Grainne Bernadette Ciara Una"
	muslimMen    = "Mohammed Muhammad Ali Ahmed Hassan Hussain Imran Tariq Khalid Usman Bilal Yusuf Ibrahim Omar Abdul Shahid Nasir Zain Hamza Asif"
	muslimWomen  = "Fatima Ayesha Aisha Maryam Zainab Shazia Nasreen Khadija Samina Rukhsana Saima Hafsa Noor Amina Sumaiya Farah Iqra Shabana Rehana Yasmin"
	indianMen    = "Raj Amit Sanjay Vijay Harpreet Jaspreet Gurpreet Ravi Anil Kiran Arjun Rohan Aarav Dev Manjit Suresh Ramesh Nikhil Balbir Deepak"
	indianWomen  = "Priya Anjali Kavita Meena Harpreet Jaspreet Manjit Simran Sunita Asha Neha Pooja Nisha Rekha Anika Diya Parveen Geeta Shreya Lakshmi"
	polishMen    = "Piotr Krzysztof Andrzej Tomasz Paweł Marcin Michał Jakub Adam Łukasz Grzegorz Wojciech Mateusz Kacper Szymon Filip"
	polishWomen  = "Anna Katarzyna Agnieszka Małgorzata Magdalena Joanna Zofia Zuzanna Maria Natalia Aleksandra Ewa Monika Dorota Julia Kinga"
	africanMen   = "Emmanuel Kwame Chidi Samuel Kofi David Tunde Abdi Joseph Daniel Ibrahim Yaw Oluwaseun Femi Tendai Blessing Chukwuemeka Musa"
	africanWomen = "Grace Blessing Ama Ngozi Esther Abena Mercy Comfort Adaeze Fatou Hodan Faith Temitope Akua Chipo Amina Precious Yetunde"
	chineseMen   = "Wei Jun Ming Ka-Ming Hao Chi-Wai Yong Jian David Kevin Jason Xin Lei Siu-Ming"
	chineseWomen = "Mei Li Xiu-Ying Yan Ling Wai-Yee Jing Fang Hui Karen Grace Yuen Siu-Fong Na"
	turkishMen   = "Mehmet Mustafa Ahmet Ali Hüseyin Hasan İbrahim Emre Can Murat Yusuf Kemal Burak Ömer"
	turkishWomen = "Ayşe Fatma Emine Hatice Zeynep Elif Merve Selin Gül Özlem Esra Leyla Büşra Meryem"
)

// origins lists where families come from. Generations without names of their own
// repeat those before.
func origins() []origin {
	english := [2][3]string{{oldMen, men, boys}, {oldWomen, women, girls}}
	same := func(names string) [3]string { return [3]string{names, names, names} }
	return []origin{
		{share: 600, surnames: englishSurnames, male: english[0], female: english[1], composed: true},
		{share: 80, surnames: scottishSurnames, male: [3]string{oldMen, men, scottishBoys}, female: [3]string{oldWomen, women, scotsGirls}},
		{share: 50, surnames: welshSurnames, male: [3]string{oldMen, welshMen, welshMen}, female: [3]string{oldWomen, welshWomen, welshWomen}},
		{share: 55, surnames: irishSurnames, male: same(irishMen), female: same(irishWomen)},
		{share: 65, surnames: muslimSurnames, male: same(muslimMen), female: same(muslimWomen)},
		{share: 50, surnames: indianSurnames, male: same(indianMen), female: same(indianWomen)},
		{share: 30, surnames: polishSurnames, male: same(polishMen), female: same(polishWomen), feminine: true},
		{share: 30, surnames: africanSurnames, male: same(africanMen), female: same(africanWomen)},
		{share: 15, surnames: caribbeanSurnames, male: english[0], female: english[1]},
		{share: 15, surnames: chineseSurnames, male: same(chineseMen), female: same(chineseWomen)},
		{share: 10, surnames: turkishSurnames, male: same(turkishMen), female: same(turkishWomen)},
	}
}
