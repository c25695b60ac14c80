"""The kinds of talk, and the words and phrases by which each is recognized."""

from enum import StrEnum


class Talk(StrEnum):
    """In order of weight: if a message has several kinds, the first one decides the reply."""

    INSULT = "insult"
    HELP = "help"
    WHO = "who"
    PRIVATE = "private"
    INVITE = "invite"
    JOKE = "joke"
    HOW = "how"
    PRAISE = "praise"
    TEST = "test"
    WISH = "wish"
    BYE = "bye"
    THANKS = "thanks"
    SORRY = "sorry"
    SURE = "sure"
    CHAT = "chat"
    GREETING = "greeting"
    ACK = "ack"
    ACT = "act"
    WORDLESS = "wordless"
    UNREADABLE = "unreadable"


def words_in(text: str) -> frozenset[str]:
    return frozenset(text.casefold().split())


KEN = words_in("ken")
GREETINGS = words_in(
    "hi hello hey heya hiya yo howdy hallo hallöchen moin moinmoin servus grüezi hola bonjour "
    "bonsoir salut ciao buongiorno buonasera olá ola oi hej hei hoi namaste ahoj ahoy cześć czesc "
    "merhaba selam salam shalom privet привет здравствуйте hallå goedemorgen goedemiddag "
    "goedenavond greetings grüezi helo hellow hullo heloo hllo halllo gm gday g'day aloha ahoi "
    "tach 你好 "
    "您好 こんにちは おはようございます 안녕하세요 안녕"
)
AROUND_GREETINGS = KEN | words_in(
    "there all team everyone everybody folks guys world again bot zusammen leute an alle dear my "
    "friend buddy mate à tous a todos tutti lieber liebes liebe is anybody anyone back to you "
    "euch allen sir mitenand nochmal nochmals day good schönen guten morgen tag abend einen "
    "ebenfalls "
    "auch dir"
)
THANKS = words_in(
    "thanks thank thx tx ty tysm tyvm thanx thnx tnx thnks thankyou thanku thansk cheers danke "
    "dank dankeschön merci gracias grazie obrigado "
    "obrigada bedankt dziękuję tak tack kiitos arigato ありがとう"
)
AROUND_THANKS = KEN | words_in(
    "you so much very a lot lots bunch ton million many for the your this that it is was s help "
    "helpful helps helped been have ve u patience reply explanation great perfect "
    "good nice awesome super quick fast answer answers info "
    "information again all really works worked everything appreciated it anyway both very schön "
    "sehr vielen vielmals dir euch ihnen besten herzlichen lieben tausend recht auch mate buddy "
    "man "
    "für im voraus deine ihre unterstützung antwort antworten schnelle schnellen hast hat mir "
    "geholfen gute war hilfreich hat super geklappt perfekt prima toll klasse vielmal sweet "
    "gleichfalls "
    "die hilfe das beaucoup mil muchas mille bien bot no got understood works now fine then ok "
    "okay yes"
)
BYES = words_in("bye goodbye byebye cya tschüss tschüs tschau ciao adieu adiós adios arrivederci")
AROUND_BYES = KEN | words_in(
    "bye good see you soon later tomorrow then for now all everyone talk to auf bis morgen bald "
    "später dann have a nice day and"
)
ACKS = words_in(
    "ok okay okey okok k kk okidoki cool great perfect understood sure fine nice good alright "
    "right yes no yep yup nope yeah nah ah oh aha hm hmm wow lol haha hahaha awesome super prima "
    "oki dokey dokie perfekt klasse echt huh hä nö nee jep jup hahahaha hahahah hehe hihi xd "
    "rofl lmao wohoo yay yeay hurra juhu uff puh boah wahnsinn "
    "toll klar gut verstanden ja nein genau passt jo gotcha roger noted excellent wonderful "
    "brilliant sweet neat d'accord vale bene"
)
AROUND_ACKS = KEN | words_in("that s is it so very all i see got alles then and will do me works")
INSULTS = words_in(
    "useless stupid dumb idiot idiotic moron suck sucks crap terrible awful worthless pathetic "
    "horrible hate fuck fucking shit bullshit asshole bitch dickhead loser "
    "lame jerk dummy dummkopf trottel vollidiot schrott quatsch blödsinn unsinn nonsense worst "
    "wtf omg ffs damn dammit doof dumm dämlich blöd blöde nutzlos unfähig idiotisch "
    "scheiße scheiss arschloch depp "
    "blöder blödes dumme dummer dummes nervst nervt scheisse mistding versager "
    "bescheuert mist nul stupide inutile inútil estúpido"
)
AROUND_INSULTS = KEN | words_in(
    "you u re are r so really very a an the such just completely totally absolutely utterly of "
    "bot robot machine tool thing assistant app this that is it its s was what answer answers your "
    "piece off i go to hell as all always pretty quite bloody du bist ein eine so total völlig "
    "echt einfach ist das die der es ding kiste kram dieser diese ur ever one not even no waste "
    "time t m omg like kind or do be being thanks antwort maschine tu es eres oh well sorry but and"
)
JOKES = words_in(
    "joke jokes witz witze blague chiste barzelletta poem poems gedicht song riddle rätsel sing "
    "dance laugh smile haiku limerick rap lied pun puns"
)
AROUND_JOKES = KEN | words_in(
    "tell me us a an another one more know do you any can could would please make good bad funny "
    "guten gutes witzigen lustigen lustiges was ist heute dein deinen lieblingswitz favourite "
    "favorite best got give sagen singen erzählen come up with fun let play "
    "something write for of say new erzähl erzähle mir uns einen ein kennst du bitte kannst mal "
    "schreib schreibe noch dis moi une raconte cuéntame un about yourself cats dogs the day want "
    "to hear i got"
)
PRAISES = words_in("love rock rocks amazing genius lifesaver legend hero adorable goat")
AROUND_PRAISES = KEN | words_in(
    "you u i we all are re r a an the so really this that is it s bot just my absolutely such "
    "great best pure like"
)
BAGS = (
    (Talk.INSULT, INSULTS, AROUND_INSULTS),
    (Talk.JOKE, JOKES, AROUND_JOKES),
    (Talk.PRAISE, PRAISES, AROUND_PRAISES),
    (Talk.THANKS, THANKS, AROUND_THANKS),
    (Talk.BYE, BYES, AROUND_BYES),
    (Talk.GREETING, GREETINGS, AROUND_GREETINGS),
    (Talk.ACK, ACKS, AROUND_ACKS),
)
"""A clause is this talk if all of its words are in the two sets, and at least one in the first."""


EMOJI = (
    (Talk.INSULT, ("👎", "🖕", "💩", "😡", "🤬", ":thumbsdown:", ":-1:", ":poop:", ":rage:")),
    (Talk.GREETING, ("👋", ":wave:")),
    (Talk.THANKS, ("🙏", "❤", "💙", "💚", "🥰", "😍", ":pray:", ":heart:", "<3")),
    (Talk.ACK, ("👍", "👌", "✅", "🙂", "😊", "😀", "😄", "🎉", "💯", "😂", ":thumbsup:", ":+1:")),
)
"""What a message without words says."""


def phrases_of(talk: Talk, text: str) -> dict[str, Talk]:
    """Written as people say them, and normalized like their messages."""
    return dict.fromkeys(filter(None, map(str.strip, text.casefold().split("/"))), talk)


PHRASES = (
    phrases_of(
        Talk.HELP,
        "help/help me/help please/please help/hilfe/hilf mir/aide/aidez moi/ayuda/aiuto"
        "/what can you do/what can you do for me/what do you do/what can i ask/what can i ask you"
        "/what do you know/what can you answer"
        "/what can i do with you/was weißt du/was weißt du alles"
        "/was kann ich fragen/was kann ich dich alles fragen/womit kannst du mir helfen"
        "/womit kannst du helfen/wobei kannst du helfen/wobei kannst du mir helfen"
        "/wie geht das hier"
        "/what can you help with/what can you help me with/what can you tell me"
        "/how can you help/how can you help me/how do you work/how does this work/how do i use you"
        "/how does it work/was kannst du/was kannst du alles/was kann ich dich fragen"
        "/wie funktionierst du/que peux tu faire/que puedes hacer/cosa sai fare"
        "/was machst du/was kannst du für mich tun/what are you good at/what are your skills",
    )
    | phrases_of(
        Talk.WHO,
        "are you a real person/are you a real human/bist du eine ki/bist du ein computer"
        "/bist du ein programm/bist du menschlich/bist du chatgpt/bist du eine maschine"
        "/are you a machine/are you a computer/are you a program/are you an llm/are you a chatbot"
        "/bist du ein chatbot/wer bist du denn/wer bist du eigentlich/was bist du eigentlich"
        "/wie alt bist du/wo wohnst du/woher kommst du/wer ist dein chef/magst du mich"
        "/liebst du mich/who are u/what model are you/which model are you"
        "/who are you/what are you/who r u/are you a bot/are you a robot/are you human"
        "/are you a human/are you real/are you an ai/are you ai/are you a person/are you chatgpt"
        "/are you sentient/are you alive/what is your name/whats your name/what s your name"
        "/who made you/who built you/who created you/who is your boss/what is ken/what s ken"
        "/introduce yourself/tell me about yourself/wer bist du/was bist du/wie heißt du"
        "/wie heisst du/bist du ein bot/bist du ein roboter/bist du ein mensch/bist du echt"
        "/wer hat dich gemacht/qui es tu/qui êtes vous/quién eres/chi sei/do you have feelings"
        "/how old are you/where do you live/where are you from/do you sleep/do you dream"
        "/do you like me/do you love me/do you know me",
    )
    | phrases_of(
        Talk.INVITE,
        "can you assist me/could you assist me/can you please assist me/please assist me"
        "/can you help/can you help me/could you help me/can you please help me/i need help"
        "/i need your help/i have a question/i have questions/i got a question/i have a problem"
        "/can i ask you something/can i ask you a question/can i ask a question/may i ask something"
        "/quick question/question/got a minute/do you have a minute/do you have time"
        "/ich hab eine frage/ich hab ne frage/ich habe mal eine frage/ich hab mal eine frage"
        "/ich hätte eine frage/ich hätte da eine frage/ich hätte da mal eine frage/i had a question"
        "/i have one question/i have a quick question/just a quick question/one question"
        "/one more question/noch eine frage/mir ist langweilig/ich langweile mich/erzähl mir was"
        "/erzähl mir etwas/erzähl uns was/erzähl was/erzähl mal was/sag was/sag mal was"
        "/say something nice/tell me something nice/tell me something interesting"
        "/ich habe eine frage/hab ne frage/kannst du mir helfen/kannst du helfen/ich brauche hilfe"
        "/eine frage/kurze frage/darf ich dich etwas fragen/j ai une question"
        "/tengo una pregunta/ho una domanda/i am lost/i m lost/i am stuck/i m stuck"
        "/let s talk/talk to me/i am bored/i m bored/im bored/tell me something/say something"
        "/ask you something/do me a favor/do me a favour",
    )
    | phrases_of(
        Talk.HOW,
        "what up/sup bro/how are you/how are you doing/how are you today/how are you doing today"
        "/how r u"
        "/how is it going/how s it going/hows it going/how are things/how are things going"
        "/whats up/what s up/what is up/wassup/sup/how do you do/how have you been/how do you feel"
        "/how are you feeling/how is your day/how s your day/how is your day going"
        "/how was your weekend/how was your day/are you ok/are you okay/you ok/all good/you good"
        "/wie geht es dir/wie gehts/wie geht s/wie geht s dir/wie gehts dir/wie läufts/was geht"
        "/wie läuft s/na wie gehts/na wie geht s/wie geht es ihnen/wie geht s ihnen"
        "/wie geht es euch"
        "/how is life/how s life/hows life/how r u doing/how are u/how are u doing/hows your day"
        "/hows your day going/how s your day going/was geht ab/was machst du so"
        "/was machst du gerade/what are you doing/what are you up to/what is new/what s new"
        "/whats new/everything ok/everything okay/alles ok/alles okay/alles fit/wie war dein tag"
        "/wie war dein wochenende/how was your night/did you sleep well/gut geschlafen/alles gut"
        "/alles klar bei dir/na/ça va/comment ça va/comment vas tu"
        "/cómo estás/como estas/qué tal/que tal/come stai/come va/tudo bem/nice to meet you"
        "/pleased to meet you/long time no see/freut mich",
    )
    | phrases_of(
        Talk.PRAISE,
        "good bot/nice bot/best bot/great bot/clever bot/smart bot/well done/good job/great job"
        "/nice job/nice work/good work/great work/great answer/good answer/nice answer/you re great"
        "/you are great/you are the best/you re the best/you are good/you re good/you are awesome"
        "/you re awesome/you are smart/you re smart/you are clever/you are funny/you are nice"
        "/you are cool/you are helpful/you are so helpful/that was helpful/very helpful"
        "/so helpful/impressive/very impressive/i like you/i like it/i love it/marry me"
        "/will you marry me/du bist toll/du bist super/du bist der beste/gut gemacht"
        "/gute antwort/sehr gut/sehr hilfreich/guter bot/ich liebe dich/ich mag dich"
        "/you are amazing/you rock/welcome/welcome to the team/welcome ken/welcome on board",
    )
    | phrases_of(
        Talk.INSULT,
        "shut up/go away/get lost/you are wrong/you re wrong/that is wrong/that s wrong/thats wrong"
        "/du hast keine ahnung/du weißt nichts/du kannst nichts/du verstehst nichts/halt s maul"
        "/halts maul/halt den rand/halt die fresse/halt die schnauze/verpiss dich/hau ab/geh weg"
        "/leck mich/f you/f off/stfu/piss off/get out/go to hell/drop dead"
        "/what the hell/kiss my ass/bite me/nobody needs you/niemand braucht dich/not funny"
        "/that was not funny/das war nicht lustig/nicht lustig/wrong again/totally wrong"
        "/you piece of garbage/piece of garbage/piece of junk/useless piece of junk"
        "/this doesn t work/this does not work/it doesn t work/it does not work/das geht nicht"
        "/das funktioniert nicht/du kannst ja gar nichts/du kannst gar nichts"
        "/what a waste of time"
        "/waste of time/this is garbage/this is trash/this is rubbish/you are garbage"
        "/you are trash/you re garbage/you re trash/this bot is garbage/this bot is trash"
        "/total garbage"
        "/you know nothing at all/you can t help me/you can t help/you cannot help me"
        "/you can t do anything/you didn t help/you did not help/das war nicht hilfreich"
        "/das war falsch/du liegst falsch/this is wrong/wrong/wrong answer/that was wrong"
        "/that is not true/that s not true"
        "/not helpful/that is not helpful/that s not helpful/that was not helpful/that did not help"
        "/that didnt help/that didn t help/that does not help/that doesn t help/you are no help"
        "/you re no help/you are not helpful/you re not helpful/thanks for nothing/screw you"
        "/bad bot/you are bad/you re bad/you don t know anything/you know nothing"
        "/you are annoying/you re annoying/i don t like you/nobody likes you/you are fired"
        "/you re fired/halt die klappe/halt den mund/das ist falsch/das stimmt nicht/falsch"
        "/das hilft mir nicht/das hilft nicht/nicht hilfreich/schlechte antwort/bad answer"
        "/you don t understand/you do not understand/you never help/ta gueule/this is a joke"
        "/what a joke/are you kidding/are you kidding me/are you serious/seriously",
    )
    | phrases_of(
        Talk.TEST,
        "test test 1 2/testing please ignore/test please ignore/please ignore/this is just a test"
        "/anyone/anybody/asdf/asdfgh/qwertz/qwerty/blah/blah blah/blah blah blah/bla/bla bla"
        "/bla bla bla/lorem ipsum/foo bar/test/testing/test test/test 123/testing 123"
        "/testing 1 2 3/test 1 2 3/this is a test"
        "/just testing/just a test/ping/are you there/you there/is anyone there/anyone there"
        "/anybody there/are you online/are you awake/are you working/do you hear me"
        "/can you hear me/can you hear me now/bist du da/jemand da/das ist ein test/nur ein test"
        "/hello world/do you read me",
    )
    | phrases_of(
        Talk.WISH,
        "you too/same to you/dir auch/ihnen auch/euch auch/gleichfalls/danke gleichfalls/ebenso"
        "/hope you are well/hope you re well/hope you are doing well/hope you re doing well"
        "/i hope you are well/i hope you re well/merry xmas/alles gute zum geburtstag"
        "/herzlichen glückwunsch zum geburtstag/guten rutsch/cheers to you"
        "/happy birthday/happy new year/merry christmas/happy holidays/happy easter/happy friday"
        "/happy monday/congratulations/congrats/frohe weihnachten/frohes neues/frohes neues jahr"
        "/frohe ostern/frohes fest/alles gute/herzlichen glückwunsch/guten appetit/mahlzeit"
        "/enjoy your meal/bon appétit/have fun/take care/good luck/viel spaß/viel erfolg"
        "/viel glück/get well soon/gute besserung/schönes wochenende/schönen tag/schönen tag noch"
        "/schönen abend/schönen abend noch/schönen feierabend/schöne ferien/bonne journée"
        "/bon week end/happy weekend/enjoy your weekend/enjoy your day/enjoy the weekend"
        "/enjoy your evening/bless you/gesundheit",
    )
    | phrases_of(
        Talk.BYE,
        "good night/gute nacht/night/nighty night/see you/see ya/see you later/see you soon"
        "/see you tomorrow/see you next week/see you on monday/later/laters/talk to you later"
        "/talk to you soon/talk later/ttyl/catch you later/gotta go/i have to go/i gotta go"
        "/auf wiedersehen/wiedersehen/auf wiederhören/bis bald/bis später/bis morgen/bis dann"
        "/bis nächste woche/mach s gut/machs gut/mach es gut/au revoir/à bientôt"
        "/hasta luego/hasta mañana/a presto/até logo/bonne nuit/buenas noches/buonanotte"
        "/farewell/so long/have a good one/that is all/that s all/thats all/that is it"
        "/that s it/thats it/i am done/i m done/nothing else/das war s/das wars/das war alles",
    )
    | phrases_of(
        Talk.THANKS,
        "much appreciated/i appreciate it/appreciated/i appreciate your help/appreciate it"
        "/that answers my question/this answers my question/that answered my question"
        "/you answered my question/you have answered my question/no further questions"
        "/no more questions/that really helped/that really helped me/that helped me"
        "/that helped me a lot/this helped me/das beantwortet meine frage"
        "/damit ist meine frage beantwortet/keine weiteren fragen/das war hilfreich"
        "/das war sehr hilfreich/du hast mir geholfen/du hast mir sehr geholfen"
        "/that helps/that helped/that helps a lot/this helps/this helped/das hilft/das hilft mir"
        "/das hat geholfen/hat geholfen/super danke/nice one/you helped me a lot/you helped me"
        "/that is what i needed/that s what i needed/just what i needed/exactly what i needed",
    )
    | phrases_of(
        Talk.SORRY,
        "wie bitte/come again/i don t understand/i do not understand/i don t get it/not really"
        "/i don t care/mir egal/ist mir egal/nothing/nothing thanks/nichts/nix/no worries mate"
        "/my pleasure/gern geschehen/sorry wrong window/wrong window/falscher kanal"
        "/falscher chat/sorry/i am sorry/i m sorry/im sorry/so sorry/my bad/my mistake"
        "/my apologies/apologies"
        "/oops/never mind/nevermind/nvm/forget it/forget about it/ignore that/ignore this"
        "/ignore me/ignore my question/no problem/no worries/np/you re welcome/you are welcome"
        "/youre welcome/wrong channel/wrong chat/wrong person/that was not for you"
        "/not for you/i did not mean you/entschuldigung/entschuldige/tut mir leid/verzeihung"
        "/vergiss es/egal/schon gut/kein problem/nichts für ungut/bitte/gern/gerne/bitte schön"
        "/pardon/désolé/lo siento/scusa/de nada/de rien/prego/stop/stop it/wait/one moment"
        "/hold on/excuse me/no thanks/no thank you/nein danke/not now",
    )
    | phrases_of(
        Talk.SURE,
        "are you sure/are you really sure/you sure/are you certain/are you sure about that"
        "/are you sure about this/bist du sicher/bist du dir sicher/sicher/wirklich sicher",
    )
    | phrases_of(
        Talk.CHAT,
        "i am so tired/i m so tired/i am so bored/i m so bored/i am so hungry/i m so hungry"
        "/i am angry"
        "/i m angry/ich bin so müde/ich bin sauer/i had a bad day/i had a good day/is it friday yet"
        "/can t wait for the weekend/another one/one more/noch einen/noch einer/noch eins"
        "/cool beans"
        "/flip a coin/roll a dice/roll the dice/play rock paper scissors/entertain me"
        "/unterhalte mich/why did the chicken cross the road/how smart are you"
        "/how intelligent are you/how clever are you/how tall are you/where do you come from"
        "/how big are you"
        "/hast du hunger/hast du durst/what are your hobbies/erzähl mir was über dich"
        "/erzähl mir etwas über dich/erzähl was über dich/what is the meaning of life"
        "/what s the meaning of life/meaning of life"
        "/was ist der sinn des lebens/what time is it/what is the time/what s the time"
        "/wie spät ist es/wie viel uhr ist es/wieviel uhr ist es/i am tired/i m tired/im tired"
        "/i am hungry/i m hungry/im hungry/i am thirsty/i m thirsty/i am happy/i m happy/i am sad"
        "/i m sad/i am lonely/i m lonely/ich bin müde/ich habe hunger/ich hab hunger"
        "/ich bin hungrig/ich habe durst/ich bin traurig/ich bin glücklich/mir ist kalt"
        "/mir ist warm"
        "/tgif/thank god it s friday/endlich freitag/endlich wochenende/endlich feierabend"
        "/are you married/are you single/are you hungry/are you tired/are you happy/are you bored"
        "/are you drunk/are you crazy/are you religious/are you male or female/are you a man"
        "/are you a woman/are you a girl/are you a boy/bist du verheiratet/bist du müde"
        "/are you in love/do you have a girlfriend/do you have a boyfriend/do you have friends"
        "/do you have a family/do you have hobbies/hast du freunde/hast du hobbys"
        "/hast du gefühle/can you think/can you feel/can you dance/can you sing/can you cook"
        "/can you swim/kannst du singen/kannst du tanzen/kannst du kochen/guess what/rate mal"
        "/no way/oh my god/oh my/oh no/oh nein/oh man/oh mann/mein gott/ach du meine güte",
    )
    | phrases_of(
        Talk.GREETING,
        "good morning/good afternoon/good evening/good day/morning/mornin/afternoon/evening"
        "/guten abend zusammen/guten tag zusammen/schönen guten morgen/schönen guten tag"
        "/schönen guten abend/einen schönen guten morgen/einen schönen guten tag"
        "/einen schönen guten abend/good day to you sir/guten morgen/guten tag/guten abend"
        "/guten mittag/morgen/n abend/grüß gott/grüß dich"
        "/grüß euch/gruß/grüße/viele grüße/liebe grüße/beste grüße/mfg/best regards/kind regards"
        "/regards/buenos días/buenas tardes/buenas/bom dia/boa tarde/boa noite/dzień dobry"
        "/god morgen/god dag/goede morgen/salam aleikum/salam alaikum/knock knock/na du/huhu"
        "/good morning all/good morning everyone/good morning team/guten morgen zusammen"
        "/rise and shine/top of the morning/i am back/i m back/im back/i am here/hi5/high five",
    )
    | phrases_of(
        Talk.ACK,
        "i see/got it/i got it/makes sense/that makes sense/all clear/all right/i understand"
        "/good to know/good to hear/very good/very well/of course/no doubt/i agree/agreed"
        "/sounds good/sounds great/will do/me too/same/same here/interesting/really/wirklich"
        "/alles klar/ist gut/na gut/na klar/ach so/achso/aha ok/in ordnung/einverstanden"
        "/stimmt/das stimmt/weiß ich/ich verstehe/gut zu wissen/interessant/krass/geil"
        "/d accord/entendido/capito/va bene/bien sûr/claro/idk/i don t know/i do not know"
        "/dunno/keine ahnung/whatever/true/that is true/that s true/correct/that is correct"
        "/that s correct/exactly/indeed/maybe/perhaps/vielleicht/let s go/lets go/done/ready"
        "/stimmt so/gefällt mir/kapiert/gecheckt/geht klar/abgemacht/gebongt/mach ich/wird gemacht"
        "/hab ich verstanden/ich hab s/hab s/let s do it/sounds like a plan/no idea/kein plan"
        "/weiß nicht/weiß ich nicht/not sure/nicht sicher/not yet/i will try/i ll try"
        "/i will try that/i will check/i ll check/let me check"
        "/fair enough",
    )
)
OPENINGS = (
    {
        "thanks for": Talk.THANKS,
        "thank you for": Talk.THANKS,
        "thank you very much for": Talk.THANKS,
        "thank you so much for": Talk.THANKS,
        "thanks a lot for": Talk.THANKS,
        "many thanks for": Talk.THANKS,
        "danke für": Talk.THANKS,
        "vielen dank für": Talk.THANKS,
        "besten dank für": Talk.THANKS,
        "herzlichen dank für": Talk.THANKS,
        "merci pour": Talk.THANKS,
        "gracias por": Talk.THANKS,
        "schönes wochenende": Talk.WISH,
        "schönen feierabend": Talk.WISH,
        "schönen abend": Talk.WISH,
        "frohe weihnachten": Talk.WISH,
        "frohe ostern": Talk.WISH,
        "frohes neues jahr": Talk.WISH,
        "alles gute": Talk.WISH,
        "happy friday": Talk.WISH,
        "happy monday": Talk.WISH,
        "merry christmas": Talk.WISH,
        "happy new year": Talk.WISH,
    }
    | phrases_of(
        Talk.JOKE,
        "tell me a joke about/tell us a joke about/do you know a joke about/write a poem about"
        "/write me a poem about/write a song about/write a haiku about/sing a song about"
        "/tell me a story/tell us a story/tell me a fun fact/tell me something funny"
        "/say something funny/erzähl mir einen witz über/erzähl einen witz über"
        "/schreib ein gedicht über/schreib mir ein gedicht über/erzähl mir eine geschichte"
        "/tell me something funny/tell me something funny about/sing mir was/reim was"
        "/mach einen witz/mach mal einen witz"
        "/erzähl mal was lustiges/erzähl mir was lustiges/erzähl was lustiges/sag was lustiges",
    )
    | phrases_of(
        Talk.CHAT,
        "you are/you re/u are/u r/you were/you have been/you ve been/you look/you sound/you seem"
        "/du bist/du warst/du siehst/that is/that s/that was/this was/it is/it s/it was/that does"
        "/that did/das ist/das war/es ist/es war/i love/i hate/i like you/i miss you/ich liebe"
        "/ich hasse/what a/so ein/so eine/such a/was für ein/nice weather/schönes wetter"
        "/i hope you/ich hoffe du/i wish you/glad/you know/you never/you don t know"
        "/you piece"
        "/i ll replace you/i will replace you/chatgpt is",
    )
)
"""A short statement that begins like this is talk, unless something in it suggests a question."""
OPENINGS_THAT_ASK = phrases_of(
    Talk.CHAT,
    "do you speak/can you speak/sprichst du/kannst du deutsch/are you smarter than"
    "/are you better than"
    "/bist du besser als/bist du schlauer als/who programmed/who is your daddy/who is your creator"
    "/who are your parents/who s your daddy/who s your creator/where do you come"
    "/was ist dein lieblingsessen/was ist deine lieblingsfarbe/was ist dein lieblingsfilm"
    "/was ist dein hobby/do you like/do you love/do you drink/do you eat"
    "/do you believe in/do you hate"
    "/do you want to be"
    "/magst du/trinkst du/isst du/glaubst du an/what is your favourite/what is your favorite"
    "/what s your favourite/what s your favorite/was ist dein lieblings/how is the weather"
    "/how s the weather/what is the weather/what s the weather/will it rain/is it raining"
    "/wie ist das wetter/wie wird das wetter/regnet es/will you marry/willst du mich heiraten",
)
OF_WORK = words_in(
    "my our mein meine meinen meinem unser unsere in at on for of about to from by with im am bei "
    "für von zu zum zur auf über mit an policy allowed supposed entitled paid company office firma"
)
"""A sentence with one of these may say what somebody is looking for."""
DAYS = words_in("day evening weekend week time night holiday vacation trip afternoon morning one")
LEADING = GREETINGS | THANKS | ACKS | KEN | words_in("so well and but please bitte there sorry")
ALONE = KEN | words_in("please bitte so well then and now mal today heute denn eigentlich")
"""Words that add nothing, and that may stand at the end."""
POINTING = words_in("this that it das dies ça cela esto eso")
POINTING_BACK = frozenset({Talk.ACK, Talk.THANKS, Talk.SORRY, Talk.BYE})
ASKING_BACK = words_in("is are was were do does did can could will would should has have")

# -- a request to act ---------------------------------------------------------------------------

PLEASE = words_in("please pls plz bitte")
"""As the last word of a request."""
POLITE = (
    "can you please",
    "could you please",
    "would you please",
    "will you please",
    "can you",
    "could you",
    "would you",
    "will you",
    "i want you to",
    "i need you to",
    "i d like you to",
    "go ahead and",
    "please",
    "pls",
    "kannst du bitte",
    "könntest du bitte",
    "kannst du",
    "könntest du",
    "bitte",
)
ACTS = words_in(
    "book order reserve schedule reschedule cancel approve remind call buch buche bestell bestelle "
    "reservier reserviere storniere genehmige erinnere erinner ruf rufe "
    "buchst bestellst reservierst stornierst erinnerst rufst"
)
ACTS_IF_ASKED = words_in(
    "create file submit delete buy pay fire hire transfer invite forward wake bring post reset "
    "sign raise promote change update fix lösche kauf kaufe bezahl bezahle überweise"
)
"""With “my”, they may also be words to search for."""
DONE = words_in("buchen bestellen reservieren stornieren genehmigen erinnern anrufen kaufen")
WRITES = words_in("send write set schick schicke schreib schreibe")
WHOM = words_in("me us mir mich uns")
WHOSE = words_in("my our mein meine meinen unser unsere unseren")
MESSAGES = words_in("email mail message reminder alarm timer invite invitation note")
DOES = words_in(
    "open close turn switch play start stop run install translate fill sort clean print upload "
    "save add remove assign accept reject decline extend renew register enroll enrol sign log "
    "clock solve finish complete grant release deploy restart reboot trag trage melde öffne "
    "schließe mach mache stell stelle setz setze spiel spiele starte stoppe drucke übersetze "
    "ändere aktualisiere erstelle erstell leg lege fülle füll gewähre kick draft increase "
    "bring invite grab lend hol hole reiche pin track summarize"
)
SAYS = words_in(
    "tell send write notify inform wish say sag sage schick schicke schreib schreibe wünsch wünsche"
)
GIVES = words_in("give gib gebt")
MAILS = words_in("email mail message text dm ask ping")
"""More often nouns: “email signature”."""
THAT = words_in("that dass")
TOLD = words_in("that dass bescheid hi hello happy to")
"""May follow “tell Bob”."""
SPEAKERS = words_in("i im we ich wir")
"""May follow “tell Bob”, too: “tell Bob I am late”."""
TELLING = words_in("schreiben sagen mailen mitteilen ausrichten melden")
RISES = words_in("raise money euros dollars bonus promotion break hug off frei geld")
LOOKS_UP = words_in(
    "show find explain list get provide recommend suggest offer advise assist clarify compare "
    "refresh read search look summarize summarise describe guide teach walk "
    "point let update brief know zeig zeige nenn nenne erklär erkläre such suche finde zeigt "
    "help hilf lass"
)
TURNS = words_in("turn switch fill")
TURNED = words_in("on off up down in out")
ADDS = words_in("add invite kick")
BESIDE = words_in("to out")
TO_ME = words_in("me mir mich")
NO_VERBS = words_in(
    "for with about around to from of on in at by after before without between against is was are "
    "does do did and or but not all both none some any like as than für mit bei von zu an ohne "
    "über "
    "nach vor gegen ist war und oder only just near behind"
)
"""Words before “me” that are not verbs."""
ORDERS = words_in("congratulate deploy proofread entertain lösch lösche weck wecke erhöhe")
OBJECTS = (
    WHOM
    | WHOSE
    | words_in(
        "a an the this that these those all some it him her them mich dich "
        "das die den der dem ein eine einen alle es ihn ihm ihr"
    )
)
ASKING = words_in(
    "how who whom whose what which when where why whether if wie wer wem wen was wann wo warum "
    "wieso welche welcher welches ob many much about"
)
MAKE = words_in("make get bring fetch mach hol")
MAKES = words_in("coffee tea sandwich lunch dinner breakfast drink cake pizza beer kaffee tee")
