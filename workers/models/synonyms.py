"""Words that people at work use for the same thing, so that a question finds the page's own word.

Groups of single words, English first. They are general: no company's names are in them.
"""

_GROUPS = """
holiday vacation leave pto urlaub
salary pay wage earn earnings compensation gehalt lohn
manager boss supervisor chef vorgesetzter
laptop computer notebook pc machine
phone mobile cellphone telephone handy smartphone
lost stolen missing verloren gestohlen
sick ill sickness illness krank
doctor physician arzt
quit resign resignation terminate termination notice kündigung kündigen
buy purchase procure purchasing procurement kaufen einkauf
cost price costs pricing preis kosten
reimburse reimbursed reimbursement expense expenses refund erstatten spesen
allowance budget limit cap zuschuss
wifi wlan wireless
password passcode passphrase passwort
car vehicle auto
train rail bahn
flight plane fly flying flug
hotel accommodation lodging overnight
kid kids child children kind kinder
baby newborn parental maternity paternity elternzeit
room office büro raum
meeting appointment besprechung
start begin beginning commence joining
end finish expire expiry expiration ends ende
client customer customers kunde
prospect deal opportunity deals
supplier vendor supply lieferant
contract agreement vertrag
bug defect fault error failure fehler
outage incident downtime down ausfall störung
deploy deployment release rollout released
delete deletion deleting erase remove removal löschen
keep retain retention store storage aufbewahren
approve approval approves sign-off consent genehmigen genehmigung
allowed permitted permission may erlaubt
forbidden prohibited banned verboten
badge card keycard ausweis
weekend saturday sunday wochenende
party celebration feier fest
training course courses learning weiterbildung schulung
gym sport fitness
desk workplace workstation arbeitsplatz
remote wfh homeoffice telework
abroad overseas foreign ausland
tax taxes steuer
insurance insured versicherung
pension retirement 401k rente altersvorsorge
bonus commission prämie
raise increase rise erhöhung
probation trial probezeit
overtime überstunden
night nacht
lunch meal food canteen essen kantine
visitor guest visitors besucher gast
shop store stores shops branch outlet filiale tienda
mandatory compulsory obligatory required pflicht
command cmd befehl
label sticker labels stickers etikett
glasses spectacles eyewear brille
percent percentage share prozent anteil
kilometer kilometre mileage km
item product article goods artikel
restore recover rollback
cashier till checkout kasse
oven ovens ofen
allergic allergy allergen allergens
trash waste garbage bin rubbish müll
fire burn burns feuer brand
emergency alarm siren notfall
renew renewal extend extension verlängern
certificate cert certificates zertifikat
database db datenbank
backup backups restore sicherung
server host servers
invoice bill invoices rechnung
shift shifts schicht
battery batteries akku
weak weakness weaknesses weaker
competitor competitors rival competition wettbewerber
colleague coworker employee employees staff mitarbeiter
hire hiring hires recruit recruiting positions position stellen einstellen
photo photos photograph photographs picture pictures camera foto
ticket tickets
parking park parken parkplatz
bike bicycle fahrrad
dog pet pets hund
replace replacement ersatz ersetzen
deadline due frist
amount sum total summe betrag
biggest largest highest greatest
cheap cheapest lowest
fast quick quickly rapid
"""


def groups() -> list[tuple[str, ...]]:
    """Return the groups, each of words that may stand for one another."""
    return [tuple(line.split()) for line in _GROUPS.strip().split("\n")]
