"""More talk by its words and phrases: about Ken and privacy, praise, thanks, insults; in English,
German, French and Spanish. Normalized as `talk.py` does: lower case, a space for each apostrophe.
"""

import re

from workers.answering.talk_words import Talk, phrases_of, words_in

BAGS = (
    (
        Talk.PRIVATE,
        words_in(
            "private confidential anonymous secret recorded logged monitored tracked stored saved "
            "privat vertraulich anonym geheim aufgezeichnet gespeichert protokolliert überwacht "
            "privé privée confidentiel confidentielle anonyme enregistré enregistrée surveillé "
            "privado privada confidencial anónimo anónima grabado guardado vigilado"
        ),
        words_in(
            "is are was the this that it here conversation conversations chat chats dm my our what "
            "i ask asked write say question questions message messages with you being all really "
            "ken so still does stay will be kept everything "
            "ist das hier dies dieses gespräch unterhaltung der die den chat meine frage fragen "
            "nachricht nachrichten wird werden sind bleibt es alles was ich dich dir schreibe mit "
            "est ce que c ça cette notre conversation ma mes question questions sont il elle tout "
            "es esto esta nuestra conversación mi mis pregunta preguntas son todo queda"
        ),
    ),
    (
        Talk.INSULT,
        words_in(
            "stupid dumb stupide useles usless uselss worthles stupd stupit idot idoit dumbass "
            "dumbo jackass clown "
            "hopeless incompetent ridiculous embarrassing lousy "
            "braindead moronic cretin imbecile scum bastard twat wanker prick crappy shitty "
            "fucker bollocks tosser numpty clueless schwachsinn idiotin "
            "schwachkopf hohlkopf blödmann mistkerl arsch drecksbot drecksding peinlich "
            "lächerlich dämlicher dämliche unbrauchbar unnütz bête idiote débile imbécile "
            "connard merde nulle minable pourri ridicule incapable tonto tonta idiota imbécil "
            "mierda pésimo pésima torpe estúpida"
        ),
        words_in(
            "you u ur you re your are r is it s this that these a an the so such what of load pile "
            "piece total totally complete absolute absolutely utterly really just very pretty "
            "ever bot robot machine tool thing assistant answer answers reply replies lol ken "
            "always as well seriously oh god my are at everything "
            "du bist ein eine totaler totale so echt völlig total was für das ist der die dein "
            "deine antwort antworten einfach nur sind "
            "tu es t est c quelle quel réponse réponses une un vraiment trop complètement ce cette "
            "espèce de ta tes stupide stupides sont "
            "eres qué que respuesta respuestas tan muy una un es esta este "
            "tu tus son"
        ),
    ),
    (
        Talk.PRAISE,
        words_in(
            "bravo kudos génial géniale fantastique magnifique chapeau genial estupendo estupenda "
            "fantástico fantástica fabuloso fantastisch großartig spitze hervorragend grandios "
            "awesome fantastic marvelous marvellous superb outstanding terrific phenomenal"
        ),
        words_in(
            "you u are re is that this it s was a an the so really just very ken bot answer "
            "reply job work to du bist das war ist echt wirklich eine antwort antworten arbeit "
            "tu es t est c vraiment trop une un réponse travail eres muy qué que respuesta trabajo "
            "la el un una"
        ),
    ),
    (
        Talk.THANKS,
        words_in(
            "merci gracias danke thanks thank thx obliged agradecido agradecida thnaks thakns"
        ),
        words_in(
            "un une grand grande bien beaucoup mille fois à toi vous pour tout ton ta votre aide "
            "réponse super parfait génial muchas muchísimas mil por todo tu su ayuda respuesta muy "
            "amable de corazón te le much very dir euch ihnen für alles deine hilfe ken you your "
            "saved my day life me us that was is exactly just what i needed need a world really"
        ),
    ),
)
"""As in `talk_words`: all words are in the two sets, and at least one is in the first."""

_WHAT_I_WRITE = (
    "this|that|it|this chat"
    "|(?:my|our|these)(?: own)? (?:questions?|messages?|chats?|conversations?)"
    "|(?:all |everything |anything )?(?:what |that )?(?:i|we) (?:ask|write|say|type|tell|send|post)"
)
READS_ALONG = re.compile(
    r"(?:and )?(?:who(?: else)?(?: can| could| will)?"
    r"|(?:can|could|does|do|will|would|is|are)(?! (?:you|i|we|this|it)\b)(?: \w+){1,4}?"
    r"(?: able to)?)"
    rf" (?:see|sees|read|reads|reading|seeing) (?:{_WHAT_I_WRITE})"
    r"(?: to| with| in| you| ken| here| too| as well)*"
    r"|(?:wer|kann|können|darf|sieht|liest|lesen)(?: \w+){0,4} was ich (?:dich |dir |hier |ken )*"
    r"(?:frage|schreibe|sage|tippe)(?: hier)?(?: mit| lesen| sehen| mitlesen)?(?: kann| können)?"
    r"|(?:qui|est ce que|quelqu un)(?: \w+){0,5} ce que (?:je |j )(?:t |te |vous )?"
    r"(?:écris|demande|dis)(?: ici)?"
    r"|(?:quién|puede|pueden|alguien)(?: \w+){0,4} lo que (?:te )?(?:escribo|pregunto|digo)"
    r"(?: aquí)?"
)
"""Asks whether others read what is written to Ken."""

PHRASES = (
    phrases_of(
        Talk.PRIVATE,
        "do you store my questions/do you save my questions/do you keep my questions"
        "/do you log my questions/do you record my questions/do you store what i ask"
        "/do you save what i ask/do you store this/do you save this/do you log this"
        "/do you record this/do you remember what i ask/do you remember my questions"
        "/do you share my questions/do you share this/do you share what i ask"
        "/do you tell my boss/do you tell my manager/do you tell anyone/will you tell my boss"
        "/will you tell anyone/are you recording/are you recording this/are you recording me"
        "/are you spying on me/are you listening/are you monitoring me/are you tracking me"
        "/what do you store about me/what do you do with my questions/what happens to my questions"
        "/where do my questions go/is my privacy protected"
        "/wer kann das sehen/wer kann das lesen/wer sieht das/wer liest das/wer liest mit"
        "/wer liest hier mit/wer kann hier mitlesen/wer kann meine fragen sehen"
        "/wer kann meine fragen lesen/wer sieht meine fragen/wer sieht was ich frage"
        "/kann mein chef das sehen/kann mein chef das lesen/kann mein chef mitlesen"
        "/kann meine chefin das sehen/kann meine chefin mitlesen/sieht mein chef das"
        "/sieht das mein chef/kann das jemand sehen/kann das jemand lesen/kann jemand mitlesen"
        "/liest jemand mit/liest hier jemand mit/können andere das sehen/können andere mitlesen"
        "/speicherst du meine fragen/speicherst du das/speicherst du was ich frage"
        "/merkst du dir meine fragen/merkst du dir das/erzählst du das weiter"
        "/sagst du das meinem chef/hörst du mit/überwachst du mich/was passiert mit meinen fragen"
        "/was speicherst du über mich"
        "/qui peut voir ça/qui peut voir cela/qui peut lire ça/qui peut voir mes questions"
        "/qui peut lire mes questions/qui voit ça/qui lit ça/mon chef peut il voir ça"
        "/est ce que mon chef peut voir ça/est ce que mon chef voit ça/mon chef peut voir ça"
        "/quelqu un d autre peut voir ça/tu enregistres mes questions/est ce que tu gardes mes "
        "questions/tu gardes mes questions"
        "/quién puede ver esto/quién puede leer esto/quién ve esto/quién lee esto"
        "/quién puede ver mis preguntas/mi jefe puede ver esto/puede mi jefe ver esto"
        "/alguien más puede ver esto/guardas mis preguntas/grabas esto",
    )
    | phrases_of(
        Talk.WHO,
        "are you human or a bot/are you a human or a bot/are you a bot or a human"
        "/are you a robot or a human/are you a person or a bot/are you a real bot/are u a bot"
        "/are u human/are u a human/are u real/r u human/r u a bot/r u real/r u a human"
        "/am i talking to a person/am i talking to a human/am i talking to a bot"
        "/am i talking to a robot/am i talking to a machine/am i speaking to a human"
        "/am i chatting with a bot/am i chatting with a human/is this a bot/is this a robot"
        "/is this a real person/is this a person/is this a human/is this an ai/is this ai"
        "/is this chatgpt/is this automated/is there a human here/is there a person behind this"
        "/how were you built/how were you made/are you artificial intelligence"
        "/are you an artificial intelligence/what kind of bot are you/what sort of bot are you"
        "/which ai are you/what ai are you/are you gpt/who am i talking to/who is this/who is ken"
        "/rede ich mit einem menschen/spreche ich mit einem menschen/schreibe ich mit einem "
        "menschen/rede ich mit einem bot/ist das ein bot/ist das ein mensch/ist das eine ki"
        "/bist du ein mensch oder ein bot/bist du mensch oder bot/bist du eine echte person"
        "/bist du künstliche intelligenz/mit wem rede ich/mit wem spreche ich/wer ist ken"
        "/bist du real/bist du lebendig/wie ist dein name"
        "/es tu un robot/es tu un bot/es tu humain/es tu un humain/es tu une ia/es tu réel"
        "/tu es un robot/tu es un bot/tu es humain/tu es un humain/tu es une ia/t es un robot"
        "/t es un bot/t es qui/tu es qui/êtes vous humain/êtes vous un robot/êtes vous un humain"
        "/est ce que tu es un robot/est ce que tu es humain/comment tu t appelles"
        "/comment t appelles tu/c est quoi ton nom/quel est ton nom/je parle à un humain"
        "/je parle à un robot/qui t a créé"
        "/eres humano/eres un humano/eres un robot/eres un bot/eres una persona"
        "/eres una persona real/eres real/eres una ia/cómo te llamas/cuál es tu nombre/qué eres"
        "/estoy hablando con una persona/estoy hablando con un humano/hablo con una persona"
        "/quien eres/quién te creó",
    )
    | phrases_of(
        Talk.HELP,
        "what can u do/what are you for/what are you there for/what are you here for"
        "/what is your purpose/what s your purpose/what s your job/what is your job"
        "/show me what you can do/tell me what you can do/list your features/what are your features"
        "/what do you offer/what are you able to do/what else can you do/what all can you do"
        "/how can i use you/what can i use you for/how should i use you/how do i ask you something"
        "/what kind of questions can i ask/what questions can i ask/what questions can you answer"
        "/what should i ask/what should i ask you/hlep/helpp/help plz/help pls/help ken/ken help"
        "/wofür bist du da/wozu bist du da/wofür bist du gut/was ist deine aufgabe"
        "/was ist dein zweck/was machst du hier/was kann ich mit dir machen/wie benutze ich dich"
        "/wie funktioniert das/wie funktioniert ken/welche fragen kann ich stellen"
        "/welche fragen kannst du beantworten/was kannst du denn/was kannst du so"
        "/zeig mir was du kannst/was soll ich dich fragen"
        "/que sais tu faire/que peux tu faire pour moi/qu est ce que tu peux faire"
        "/qu est ce que tu sais faire/qu est ce que tu fais/tu sers à quoi/à quoi sers tu"
        "/à quoi tu sers/tu peux faire quoi/tu sais faire quoi/comment ça marche"
        "/comment tu fonctionnes/comment fonctionnes tu/comment peux tu m aider/aide moi"
        "/que puis je te demander/que puis je demander"
        "/qué puedes hacer/qué sabes hacer/qué haces/para qué sirves/en qué me puedes ayudar"
        "/en qué puedes ayudarme/cómo funcionas/cómo funciona esto/cómo me puedes ayudar"
        "/qué puedo preguntarte/qué te puedo preguntar/ayúdame/que puedes hacer/para que sirves",
    )
    | phrases_of(
        Talk.GREETING,
        "hii/hiii/heyy/hiya ken/coucou/coucou ken/buenos dias/buenas tardes a todos/buenas noches "
        "a todos/good evening everyone/good evening all/good afternoon everyone"
        "/good afternoon all/good afternoon team/good day everyone/salut à tous/bonjour à tous"
        "/bonjour tout le monde/salut tout le monde/hola a todos/hola buenas/muy buenas"
        "/guten morgen allerseits/hallo allerseits/moin allerseits/grüezi mitenand"
        "/rebonjour/good mornin all/gud morning/gud mornin/goodmorning"
        "/goodmornin/guten morgähn",
    )
    | phrases_of(
        Talk.THANKS,
        "thanks you saved my day/you saved my day/that saved my day/life saver/much obliged"
        "/un grand merci/muy amable/très gentil/c est gentil/c est très gentil/qué amable"
        "/te lo agradezco/se lo agradezco/je te remercie/je vous remercie/ich danke dir"
        "/ich danke ihnen/das war super hilfreich/hat mir geholfen/hat mir sehr geholfen"
        "/me ha servido/me ha ayudado mucho/ça m aide beaucoup/ça m a aidé/c est parfait merci"
        "/that did it/that did the trick/problem solved/problem gelöst/that fixed it"
        "/that solved it/exactly what i was looking for/just what i was looking for",
    )
    | phrases_of(
        Talk.PRAISE,
        "awesome answer/brilliant answer/excellent answer/perfect answer/amazing answer"
        "/super answer/fast answer/nice one ken/you are a star/you re a star/you are a legend"
        "/you are a genius/you re a genius/klasse antwort/super antwort/tolle antwort"
        "/perfekte antwort/sehr gute antwort/gute arbeit/tolle arbeit/gut gemacht ken"
        "/super gemacht/toll gemacht/super travail/bon travail/beau travail/bien joué"
        "/bonne réponse/excellente réponse/excellent réponse/très bonne réponse/tu es super"
        "/tu es le meilleur/tu gères/buen trabajo/bien hecho/buena respuesta/excelente respuesta"
        "/muy buena respuesta/eres el mejor/eres la mejor/eres un genio/me encanta/lo hiciste bien"
        "/je t aime/te quiero/that is amazing/that s amazing"
        "/das ging schnell",
    )
    | phrases_of(
        Talk.INSULT,
        "you are not helpful at all/you re not helpful at all/you are of no use/you are no use"
        "/you re no use/you are no good/you re no good/you are good for nothing"
        "/you re good for nothing/good for nothing/what are you even good for"
        "/this bot is a waste of time/you are a waste of time/you re a waste of time"
        "/you are a waste of space/you re a waste of space/you re an absolute waste of space"
        "/what a waste/you never get anything right/you get everything wrong"
        "/you are dumb as a brick/you re dumb as a brick/my dog is smarter than you"
        "/a toaster is smarter than you/go die/go kill yourself/kill yourself/kys/i hate this bot"
        "/you disgust me/nobody asked you/no one asked you/no one likes you/nobody needs you ken"
        "/you should be ashamed/you make no sense/that makes no sense/makes no sense"
        "/you are making this up/you re making this up/you made that up/stop lying/you are lying"
        "/you re lying/liar/you liar/go back to school/you had one job/are you blind"
        "/can you even read/do you even work/you are broken/you re broken/this is useless"
        "/what an idiot/what a moron/what a clown/what a load of rubbish/what a load of garbage"
        "/rubbish bot/garbage bot/trash bot/rubbish answer/garbage answer/your answers are garbage"
        "/your answers are rubbish/your answers are trash/total rubbish/totaler müll/müll antwort"
        "/qué basura/eres basura/eres una basura"
        "/du taugst nichts/du taugst nix/du bist zu nichts zu gebrauchen/du kannst nix"
        "/du hast ja keine ahnung/du laberst/laber nicht/red keinen quatsch/was laberst du"
        "/halt deine klappe/geh sterben/du lügst/lügner/du bist echt nicht hilfreich"
        "/du bist keine hilfe/du hilfst mir nicht/das ist doch müll/das ist müll/so ein müll"
        "/was für ein müll/was für ein quatsch/du bist der schlechteste bot/schäm dich"
        "/für die tonne/das kannst du besser/willst du mich verarschen/verarsch mich nicht"
        "/tais toi/ferme la/ferme ta gueule/la ferme/va te faire voir/va te faire foutre"
        "/casse toi/tu ne sers à rien/tu sers à rien/tu dis n importe quoi/n importe quoi"
        "/c est n importe quoi/c est faux/tu as tort/tu mens/tu ne comprends rien/tu m énerves"
        "/quelle perte de temps/mauvaise réponse/ça n aide pas/tu n aides pas"
        "/no sirves para nada/no sirves/no sirve/cállate/callate/vete a la mierda/vete al diablo"
        "/que te den/no tienes ni idea/no entiendes nada/no sabes nada/qué pérdida de tiempo"
        "/mala respuesta/qué respuesta tan mala/eso es falso/eso no es verdad/estás equivocado"
        "/te equivocas/no ayudas/mientes/me tienes harto",
    )
    | phrases_of(
        Talk.JOKE,
        "une blague stp/une blague s il te plaît/une blague/fais moi rire/raconte une blague"
        "/chante moi une chanson/écris moi un poème/dime un chiste/un chiste/cuenta un chiste"
        "/hazme reír/cántame una canción/escríbeme un poema/bring mich zum lachen/noch ein witz"
        "/noch einen witz/witz bitte/joke please/joke pls/cheer me up/be funny/do something funny",
    )
    | phrases_of(
        Talk.INVITE,
        "kann ich dich was fragen/kann ich dich etwas fragen/kann ich was fragen"
        "/darf ich was fragen/darf ich dich was fragen/kannst du mir kurz helfen"
        "/könntest du mir helfen/je peux te poser une question/puis je te poser une question"
        "/peux tu m aider/tu peux m aider/pouvez vous m aider/j ai besoin d aide"
        "/puedo hacerte una pregunta/puedo preguntarte algo/puedes ayudarme/me puedes ayudar"
        "/necesito ayuda",
    )
    | phrases_of(
        Talk.BYE,
        "à demain/à plus/à plus tard/à tout à l heure/bonne soirée/bonne fin de journée"
        "/hasta mañana ken/hasta pronto/nos vemos/buenas noches ken/bis gleich/bis morgen dann"
        "/schlaf gut/bis die tage/cheerio/ta ta/toodles/peace out",
    )
    | phrases_of(
        Talk.WISH,
        "buen fin de semana/bon weekend/bonnes vacances/bonne année/joyeux noël/feliz navidad"
        "/feliz año nuevo/felices fiestas/que tengas un buen día/bonne chance/buena suerte"
        "/joyeux anniversaire/feliz cumpleaños/félicitations/felicidades/à tes souhaits/salud",
    )
    | phrases_of(
        Talk.ACK,
        "ça marche/c est bon/compris/parfait/très bien/je vois/pas de problème/de acuerdo/muy bien"
        "/perfecto/ya veo/está bien/no hay problema/ok merci/okay danke",
    )
    | phrases_of(
        Talk.HOW,
        "comment allez vous/tu vas bien/vous allez bien/ça roule/cómo te va/cómo va/cómo estás hoy"
        "/todo bien/wie geht es dir heute/wie gehts dir heute/geht es dir gut/how are you ken",
    )
)
