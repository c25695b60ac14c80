"""Words for countries that CLDR's territory names leave out: adjectives, short forms, and what only
looks like a country.
"""

CODES = {"US": "US", "USA": "US", "UK": "GB", "GB": "GB", "DE": "DE", "CH": "CH", "FR": "FR"}
"""Written in capitals, as people write them in a sentence; other codes are also words."""

LOOKS_LIKE_ANOTHER = frozenset(
    # first names and family names
    "jordan chad maurice mauricio dominique salvador granada israel "
    # other places, things and words
    "georgia jersey aruba reunion san_martin saint_martin santa_elena san_bartolome "
    "isla_de_navidad".split()
)
"""Names of countries, in one of the languages, that are more often something else."""

NOT_A_COUNTRY = (
    "latin america, south america, north america, central america, latin american, south american, "
    "north american, american express, german shepherd, indian ocean, new england, u s w"
).split(", ")
"""Names that contain a country's."""

MORE_NAMES = {
    "US": "the us, the states, united states of america, america, amerika, amerique, "
    "vereinigten staaten, ee uu, eeuu, u s, u s a",
    "GB": "great britain, britain, england, scotland, wales, vereinigten königreich, "
    "vereinigtem königreich, großbritannien, schottland, grande-bretagne, angleterre, écosse, "
    "gran bretaña, inglaterra, u k",
    "DE": "federal republic of germany, bundesrepublik, brd",
    "NL": "holland, hollande, holanda, the netherlands, niederlanden, niederlande, pays-bas",
    "CZ": "czech republic, tschechische republik, république tchèque, república checa",
    "TR": "turkey",
    "AE": "uae, emirates, vae",
    "HK": "hong kong, hongkong",
    "MM": "myanmar, burma",
    "KR": "korea, corée, corea",
    "CI": "ivory coast, elfenbeinküste",
}
"""Names of countries that people use beside CLDR's."""

ADJECTIVES = {
    "DE": "german germans deutsch* allemand+ allemande+ alemán alemana+ alemanes",
    "US": "american americans amerikanisch* américain+ américaine+ estadounidense+",
    "GB": "british britisch* britannique+ britanique+ británico+ británica+",
    "FR": "french französisch* français française+ francés francesa+ franceses",
    "ES": "spanish spaniards spanisch* espagnol+ espagnole+ español española+ españoles",
    "AT": "austrian austrians österreichisch* autrichien+ autrichienne+ austriaco+ austriaca+",
    "CH": "swiss schweizer schweizerisch* suisse+ suizo+ suiza+",
    "IT": "italian italians italienisch* italien+ italienne+ italiano+ italiana+",
    "NL": "dutch niederländisch* holländisch* néerlandais néerlandaise+ hollandais neerlandés "
    "neerlandesa+ holandés holandesa+",
    "BE": "belgian belgians belgisch* belge+ belga+",
    "PL": "polish polnisch* polonais polonaise+ polaco+ polaca+",
    "PT": "portuguese portugiesisch* portugais portugaise+ portugués portuguesa+",
    "IE": "irish irisch* irlandais irlandaise+ irlandés irlandesa+",
    "SE": "swedish swedes schwedisch* suédois suédoise+ sueco+ sueca+",
    "DK": "danish danes dänisch* danois danoise+ danés danesa+",
    "NO": "norwegian norwegians norwegisch* norvégien+ norvégienne+ noruego+ noruega+",
    "FI": "finnish finns finnisch* finlandais finlandaise+ finlandés finlandesa+",
    "CZ": "czech czechs tschechisch* tchèque+ checo+ checa+",
    "SK": "slovak slovaks slowakisch* slovaque+ eslovaco+ eslovaca+",
    "HU": "hungarian hungarians ungarisch* hongrois hongroise+ húngaro+ húngara+",
    "RO": "romanian romanians rumänisch* roumain+ roumaine+ rumano+ rumana+",
    "BG": "bulgarian bulgarians bulgarisch* bulgare+ búlgaro+ búlgara+",
    "GR": "greek greeks griechisch* grec grecs grecque+ griego+ griega+",
    "TR": "turkish turks türkisch* turc turcs turque+ turco+ turca+",
    "UA": "ukrainian ukrainians ukrainisch* ukrainien+ ukrainienne+ ucraniano+ ucraniana+",
    "LU": "luxemburgisch* luxembourgeois luxembourgeoise+ luxemburgués luxemburguesa+",
    "EE": "estonian estonians estnisch* estonien+ estonienne+ estonio+ estonia+",
    "LV": "latvian latvians lettisch* letton+ lettonne+ letón letona+",
    "LT": "lithuanian lithuanians litauisch* lituanien+ lituanienne+ lituano+ lituana+",
    "CA": "canadian canadians kanadisch* canadien+ canadienne+ canadiense+",
    "MX": "mexican mexicans mexikanisch* mexicain+ mexicaine+ mexicano+ mexicana+",
    "BR": "brazilian brazilians brasilianisch* brésilien+ brésilienne+ brasileño+ brasileña+",
    "AR": "argentinian argentine argentinisch* argentin argentins argentino+ argentina+",
    "CL": "chilean chileans chilenisch* chilien+ chilienne+ chileno+ chilena+",
    "CO": "colombian colombians kolumbianisch* colombien+ colombienne+ colombiano+ colombiana+",
    "IN": "indian indians indisch* indien+ indienne+ indio+ india+",
    "CN": "chinese chinesisch* chinois chinoise+ chino+ china+",
    "JP": "japanese japanisch* japonais japonaise+ japonés japonesa+",
    "KR": "korean koreans koreanisch* coréen+ coréenne+ coreano+ coreana+",
    "SG": "singaporean singaporeans singapurisch* singapourien+ singapourienne+",
    "AU": "australian australians australisch* australien+ australienne+ australiano+ australiana+",
    "NZ": "new-zealander neuseeländisch* néo-zélandais neozelandés neozelandesa+",
    "ZA": "south-african südafrikanisch* sud-africain+ sud-africaine+ sudafricano+ sudafricana+",
    "IL": "israeli israelis israelisch* israélien+ israélienne+ israelí israelíes",
}
"""`deutsch*` stands for all of German's endings, `allemand+` for one with and one without an s."""

LANGUAGE_OF = {
    "DE": "de", "GB": "en", "FR": "fr", "ES": "es", "IT": "it", "NL": "nl", "PL": "pl",
    "PT": "pt", "SE": "sv", "DK": "da", "NO": "nb", "FI": "fi", "CZ": "cs", "SK": "sk",
    "HU": "hu", "RO": "ro", "BG": "bg", "GR": "el", "TR": "tr", "UA": "uk", "CN": "zh",
    "JP": "ja", "KR": "ko", "EE": "et", "LV": "lv", "LT": "lt",
}  # fmt: skip
"""The language that has the same name as a country's adjective."""

LANGUAGES_ALONE = {"english": "en", "englisch": "en", "anglais": "en", "ingles": "en"}
"""Names of languages that stand for a language wherever they are."""

ALSO_WORDS = frozenset("polish turkey".split())
"""Countries only where they begin with a capital."""

ALSO_TOWNS = frozenset(
    "reading nice bath cork mobile orange essen hof regen singen halle tours sale lens split "
    "university hull".split()
)
"""Towns that are also words: they count only where a word beside them says that it is a place."""

NOT_IN_PATHS = frozenset("it hr pr ai pm cs id me my".split())
"""Codes of countries that are departments or words in the name of a folder."""
ONLY_FOLDERS = frozenset("de in is no at be as am so to do la".split())
"""Codes that count as a folder's whole name, and not at the end of a file's name."""
