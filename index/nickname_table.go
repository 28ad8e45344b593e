package index

// nicknameTable lists groups of given names that stand for one another in
// Britain and Ireland, one group a line, the full form first. Diminutives that
// two full names share stand in both groups; the full names are not joined by it.
const nicknameTable = `
aaron ron ronnie
abigail abi abbie abby gail
abraham abe abie bram
adam ad
adelaide ada addie heidi
adrian ade
agnes aggie nessie
aidan aiden aedan
alan allan allen al
alasdair alastair alistair alister alisdair al ali
albert al bert bertie
alexander alec alex al sandy xander sasha alexandre
alexandra alex sandra lexi lexie sasha alix
alexandria alex lexi
alfred alf alfie fred freddie al
alice ali allie alicia
alison allison ali allie
amanda mandy manda
amelia amy millie milly mia emilia
amy aimee ami
andrea andi drea
andrew andy drew andie andre
angela angie ange
angus gus
ann anne anna annie nan nancy
annabel annabelle bella belle anna
annette annie nettie
anthony tony ant antony
antonia toni tonia
archibald archie baldie
arnold arnie
arthur art artie
ashleigh ashley ash
augustus gus august augustine
barbara babs barb barbie bobbie
barnaby barney
bartholomew bart barty
beatrice bea bee trixie beatrix
belinda bel lindy linda
benedict ben
benjamin ben benny benji
bernadette bernie detta
bernard bernie
bertram bert bertie
bethany beth
beverley bev beverly
brenda bren
brendan bren
brian bryan bri
bridget biddy bridie brigid bridgit
cameron cam
camilla millie milla
carl karl
caroline carol carrie caro lina carolyn carolynn
cassandra cass cassie sandra
catherine cath cathy kate katie kitty kathy katherine kathryn catharine cat kay kat katharine cathryn katerina kathleen
cecilia celia cissy cecily
charles charlie chas chaz chuck chip
charlotte charlie lottie lotte char charley
chelsea chels
cheryl sheryl cher
christian chris
christina chris chrissie tina christine christie kirsty kristina kristine
christopher chris kit topher kris kristopher
clara clare claire clair
clement clem
clifford cliff
clive cliff
colin col
connor conor con
constance connie
cornelius con connie neil
courtney court
curtis curt
cynthia cindy
daniel dan danny dani
danielle dani danni
darren daz
david dave davey davie dai davy
deborah deb debbie debra debs
declan dec
denis dennis den denny
denise den
derek del derrick deric
desmond des
diana di diane dianne
dominic dom nick dominick
donald don donnie
dorothy dot dottie dolly dora dorothea
douglas doug dougie
duncan dunc
edgar ed eddie
edith edie
edmund ed eddie ted ned edmond
edward ed eddie ted teddy ned eddy
edwin ed eddie
eileen aileen
eleanor ellie nell nellie nora elinor ella elena leonora eleanora
elizabeth liz lizzie beth betty bess bessie eliza libby elsie lisa betsy lilibeth elisabeth lizzy ellie elspeth
ellen nell nellie ellie helen
emily em emmy emmie millie emilie
emma em emmy
emmanuel manny emanuel
eric rick ricky erik
ernest ernie
esther essie hester
eugene gene
evelyn eve evie
felicity flick fliss lissy
ferdinand ferdie
fergus gus
fiona fi fee
florence flo flossie florrie
frances fran fanny frankie francesca
francesca fran chessie frankie cesca
francis frank frankie fran
franklin frank
frederick fred freddie freddy fredrick frederic rick
gabriel gabe
gabrielle gabby gabi gabriella
gareth gary gaz
gary gaz gal garry
gavin gav
gemma jemma gem
geoffrey geoff jeff jeffrey jeffery
george georgie geordie
georgina georgie gina georgia georgiana
gerald gerry jerry ged
gerard gerry ged jerry gerrard
geraldine gerry geri
gillian gill jill gilly jillian
gladys glad
glenn glen
gloria glo
gordon gordy
grace gracie
graham graeme grahame
gregory greg gregor
gretchen greta
gwendolyn gwen wendy gwendoline
hannah hanna
harold harry hal
harriet hattie harrie
harrison harry
harvey harv
hayley haley hailey
helen helena nell nellie ellen lena helene
henrietta hettie etta hattie
henry harry hal hank
herbert herb bert bertie
hilary hil hillary
hubert hugh bert
hugh hughie huw hugo shug
humphrey humph
ian iain
irene rene
isaac ike zac izaak
isabel isabella isabelle bella belle izzy issy isobel tibby ishbel
isadora dora izzy issy
ivan van
jack john jackie jock
jacob jake
jacqueline jackie jacqui jacquelyn jacky
james jim jimmy jamie jem jimmie
jane janie janey jenny jayne
janet jan jenny jessie
janice jan
jasmine jas jazz jasmin yasmin
jason jase jay
jean jeanie jeannie
jeanette jean netta jan
jemima jem mima
jennifer jen jenny jenni jennie
jeremy jerry jem jez
jerome jerry
jessica jess jessie
joan joanie
joanna jo joanne joann anna
jocelyn joss
john johnny jack jon johnnie ian jock
jonathan jon jonny jonathon johnathan nathan john
jordan jordy
joseph joe joey jo
josephine jo josie
joshua josh
judith judy jude judi
julia julie jules juliet
julian jules jools
juliet julie jules juliette
justin just justen
karen kaz
katrina kat trina catriona
kelly kel
kenneth ken kenny
kevin kev
kieran kieron ciaran
kimberley kim kimberly
kirsten kirsty
kristen kris
lachlan lachie
laura laurie lori
lauren laurie loren
laurence larry laurie lawrence lol loz lawrie
leah lee lea
leanne lee
leo leon
leonard len lenny leo
leslie les lesley
lewis louis lew louie
lillian lily lil lilian lilly
linda lin lynn lindy lyn lynda
lindsay lindsey lin linz
lorraine lori lol
louisa lou louise lulu
louise lou louisa
lucille lucy lu
lucinda cindy lucy
lucy lu lucie luce
luke lukas lucas
lydia liddy
mabel may mab
madeleine maddie maddy madeline madelaine
malcolm mal malc
marcus mark marc
margaret maggie meg peggy peg madge marge margie margot rita greta daisy mags megan margery marjorie mairead
maria marie mia ria
marian marianne marion mary
mark marc marcus
martha marty mattie
martin marty mart martyn
mary molly polly mae may maria marie mamie moll maire
matilda tilly mattie tilda
matthew matt matty mat mathew
maureen mo maura
maurice mo morris
maximilian max
maxine max
maxwell max
megan meg meghan
melanie mel
melissa mel lissa missy
melvin mel mervyn
mercedes mercy sadie
meredith merry
michael mike mick mickey micky mikey mitch micheal mickie
michelle shell chelle mich michele
mildred millie milly
millicent millie milly
miranda mandy mira randy
miriam mim mimi
mohammed mohammad muhammad mohamed mo muhammed mohamad
moira maura moyra
monica mona
montgomery monty
montague monty
morgan mo
myles miles
nancy nan nance
natalie nat nattie nathalie
natasha tasha nat
nathan nat nate
nathaniel nat nate nathan
neil neal niall neill
neville nev
nicholas nick nicky nic nico nicolas colin
nicola nicky nic nicki nikki nicole
nicole nicky nic nikki nicola
nigel nige
nora norah honora
norman norm
oliver ollie oli olly
olivia livvy liv ollie livia
oscar ossie
oswald ossie oz
pamela pam pammy
patricia pat patsy trish tricia patty trisha paddy
patrick pat paddy rick patsy
pauline paula polly
penelope penny pen
percival percy
peter pete petey
philippa pip pippa phillipa
philip phil pip phillip
phyllis phyl
polly paula
priscilla cilla prissy
prudence prue
rachel rach rachael rae shelley
ralph rafe
randolph randy dolph
raphael rafe raph
raymond ray
rebecca becky becca bex beck rebekah
reginald reg reggie
reuben ben rube
rhiannon rhi
richard rick dick richie ricky rich dickie ritchie dicky
robert bob rob bobby robbie bert rab robin bobbie rabbie
roberta bobbie bobby
robin rob
roderick rod roddy rory
rodney rod
roger rodge
roland rolly rowland
ronald ron ronnie
rosalind ros roz rosie
rosamund ros roz rosie rosamond
rose rosie
rosemary rose rosie romy
roxanne roxy
rupert rupe
russell russ
ruth ruthie
sadie sarah sally
samantha sam sammy
samuel sam sammy
sandra sandy sandie
sarah sally sara sadie
scott scotty
sean shaun shawn shane
sebastian seb bas
selina lina celina
shannon shan
sharon shaz shari
sheila sheelagh shelagh
shirley shirl
sidney sid sydney
siobhan shevaun
simon si sim
sophia sophie sofia soph
sophie soph sophia sofie
stanley stan
stephanie steph stevie stefanie
stephen steve stevie steven ste stephan
stewart stuart stu stew
susan sue susie suzy susannah suzanne sukie suzie
susanna susie sue susannah suzanna
sylvia syl sylvie silvia
tamara tammy tam
tamsin tammy
teresa terry tess tessa theresa tracy terri tracey therese
terence terry tel terrence
theodore ted teddy theo
theodora dora thea theo
thomas tom tommy thom tam
tiffany tiff
timothy tim timmy
tobias toby
tracey tracy trace
trevor trev
valerie val
vanessa nessa ness
veronica ron ronnie vron
victor vic
victoria vicky tori vicki vikki vickie vic
vincent vince vinny vinnie
violet vi
virginia ginny ginnie
vivian viv vivien vivienne
wallace wally wal
walter walt wally wat
wendy gwendolyn
wilfred wilf fred wilfrid
wilhelmina mina minnie billie
william bill will billy willie liam willy wills gwilym
winifred winnie freda win
winston win
yvonne eve von vonnie
zachary zach zac zak zack
zoe zowie
`
