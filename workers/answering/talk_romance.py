"""Requests to act in French and Spanish: “réserve-moi une salle”, “¿puedes llamar a Ana?”."""

from workers.answering.talk_words import words_in

_GREETINGS = words_in("bonjour salut bonsoir hola ken buenos días hey coucou")
_POLITE = (
    "s il te plaît",
    "s il vous plaît",
    "est ce que tu peux",
    "est ce que vous pouvez",
    "peux tu",
    "tu peux",
    "pouvez vous",
    "pourrais tu",
    "tu pourrais",
    "pourriez vous",
    "svp",
    "stp",
    "me puedes",
    "puedes",
    "podrías",
    "podrias",
    "por favor",
)
_ASKING = words_in(
    "comment où quand qui quel quelle quels quelles combien pourquoi que quoi cómo dónde cuándo "
    "quién cuál cuáles qué cuánto cuántos por"
)
_FRENCH = words_in(
    "rappelle réserve commande envoie annule appelle écris crée ajoute supprime transfère planifie "
    "organise achète paie traduis préviens rappelez réservez commandez envoyez annulez appelez"
)
_FRENCH_OBJECTS = words_in("moi nous le la les l un une mon ma mes à au ce cette des du")
_FRENCH_VERBS = words_in(
    "réserver commander envoyer rappeler annuler appeler écrire créer ajouter supprimer transférer "
    "planifier organiser acheter payer traduire prévenir"
)
_SPANISH = words_in(
    "reserva resérvame reservame envía envia manda recuérdame recuerdame pide pídeme cancela llama "
    "llámame escribe escríbele crea añade borra compra cómprame paga traduce programa agenda dile "
    "avisa avísale"
)
_SPANISH_OBJECTS = words_in("un una el la los las mi mis a al este esta")
_SPANISH_VERBS = words_in(
    "reservar reservarme enviar mandar recordar recordarme pedir pedirme cancelar llamar llamarme "
    "escribir crear añadir borrar comprar comprarme pagar traducir programar agendar avisar"
)
_ME = words_in("me nous m")
_LOOKED_UP = words_in("envoie envoyez envoyer enviar mandar")
"""With “me”: “envoie-moi la politique” asks for a page."""


def asks_to_act(words: list[str]) -> bool:
    """Whether it asks Ken, in French or Spanish, to act."""
    polite, said = _asked_for(words)
    if len(said) < 2 or not _ASKING.isdisjoint(said):
        return False
    verb, whom = said[0], said[1]
    if verb in _LOOKED_UP and whom in ("moi", "nous"):
        return False
    if verb in _FRENCH:
        return whom in _FRENCH_OBJECTS
    if verb in _SPANISH:
        return verb.endswith(("me", "le")) or whom in _SPANISH_OBJECTS
    if not polite:
        return False
    if verb in _ME:
        return whom in (_FRENCH_VERBS | _SPANISH_VERBS) - _LOOKED_UP
    return verb in _FRENCH_VERBS | _SPANISH_VERBS


def _asked_for(words: list[str]) -> tuple[bool, list[str]]:
    """Split off a greeting and the polite words in front."""
    said = words
    while said and said[0] in _GREETINGS:
        said = said[1:]
    phrase = " ".join(said[:5]) + " "
    for one in _POLITE:
        if phrase.startswith(f"{one} "):
            return True, said[len(one.split()) :]
    return False, said
