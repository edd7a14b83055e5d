"""Stop words: they carry a question, but are not what it is about.

Pure.  Which language it is must be clear first: `die` is an article in German and a verb in English, which it is where
nothing speaks against it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from functools import cache

#: So many stop words make a language clear: one may be a word of another, or of a title.
CLEAR = 2

_ENGLISH = """
    a about above after again all also am an and any are aren't as at be because been before being below between
    both but by can can't cannot could couldn't did didn't do does doesn't doing don't down during each few for
    from further get gets give got had hadn't has hasn't have haven't having he he'd he'll he's her here here's
    hers herself him himself his how how's i i'd i'll i'm i've if in into is isn't it it's its itself just let's
    like me more most mustn't my myself no nor not of off on once only or other ought our ours ourselves out
    over own please said same say shan't she she'd she'll she's should shouldn't show so some such tell than
    that that's the their theirs them themselves then there there's these they they'd they'll they're they've
    this those through to too under until up us very was wasn't we we'd we'll we're we've were weren't what
    what's when when's where where's which while who who's whom why why's will with won't would wouldn't you
    you'd you'll you're you've your yours yourself yourselves
"""
#: Those of English.
STOP_WORDS = frozenset(_ENGLISH.split())

_OTHERS = {
    "German": """
        aber als am an auch auf aus bei bin bis da damit dann das dass dein deine deinem deinen deiner dem den denn der
        des dich die dies diese diesem diesen dieser dieses dir doch du durch ein eine einem einen einer eines er es
        euch für habe haben hast hat hatte hatten hattest ich ihm ihn ihr ihre ihrem ihren ihrer im in ist kann kannst
        können man mein meine meinem meinen meiner mich mir mit muss müssen nach nicht noch nur ob oder ohne sein seine
        seit sich sie sind so soll sollen sollte sollten über um und uns unser unsere unserem unseren unserer unter vom
        von vor wann war waren warum was welche welchem welchen welcher welches wem wen wenn wer werden wie wieso wir
        wird wo wollte womit worüber wurde wurden zu zum zur
    """,
    "French": """
        a ai as au aux avais avait avec avez avons c ce ces cet cette combien comment d dans de des dont du elle elles
        en est et eu fait il ils j je l la le les leur leurs lui m ma mais me mes moi mon n ne nos notre nous on ont ou
        où par pas pour pourquoi qu quand que quel quelle quelles quels qui quoi s sa sans se ses si son sont sur t ta
        te tes toi ton tu un une vos votre vous y à été êtes était
    """,
    "Spanish": """
        a al como con cuando cuál cuáles cuándo cuánta cuántas cuánto cuántos cómo de del donde dónde e el ella ellos en
        era es esa ese eso esta estaba este esto está están estoy fue ha había hace han has hay he la las le les lo los
        me mi mis mí muy más nada ni no nos nosotros nuestra nuestro o para pero por porque que quién quiénes qué se ser
        si sin sobre son su sus también te tenía ti tiene tu tus tú un una unas unos y ya yo él
    """,
    "Italian": """
        a ad agli ai al alla alle anche avere aveva c che chi ci come con cosa d da dal dalla dei del della delle di dov
        dove e ed era fa gli ha hai hanno ho i il in io l la le lei li lo loro lui ma me mi mia mie miei mio nel nella
        noi non nostra nostro o per perché più qual quale quali quando quanta quante quanti quanto questa questo se si
        sono sta su sua sul sulla suo te ti tu tua tuo un una uno è
    """,
    "Portuguese": """
        a ao aos as até com como da das de dela dele do dos e ela ele em era essa esse esta este está eu foi há isso já
        lhe mais mas me meu meus minha minhas muito na nas no nos nossa nosso não nós o onde os ou para pela pelo por
        porque qual quais quando quanta quantas quanto quantos que quem se sem ser seu seus sobre sua suas são te tem
        tinha tu tua um uma você à é
    """,
    "Dutch": """
        aan als bij dat de deze die dit doe door een en er had hadden heb hebben heeft het hij hoe hoeveel hun ik in is
        je jij jouw kan kun maar me met mij mijn naar niet nog of om ons onze ook op over te tot u uit van voor waar
        waarom wanneer waren was wat we welk welke werd wie wij worden wordt zal ze zich zij zijn zou
    """,
    "Polish": """
        a ale bez był była było być co czego czy dla dlaczego do gdzie go i ich ile ja jak jaka jaki jakie jakiego
        jakiej jest jestem jej jego już kiedy kim kogo komu kto która które którego której który ma mam mi mnie moich
        moja moje mojego mojej mój mu na nad nam nas nasz nasza nasze nie o od on ona oni po pod przed przez przy są się
        ta tak te tego tej ten to twoja twój ty tym u w we z za ze że
    """,
    "Turkish": """
        ama bana ben beni benim bir biz bizim bu çok da daha de değil diye en gibi hangi için ile ise kaç kadar ki kim
        kime mı mi mu mü nasıl ne neden nerede nereye niçin niye o ona onu onun sana sen senin şu ve veya ya
    """,
    "Russian": """
        а без бы был была были было быть в вам вас ваш во вот все где для до его ее если есть ещё еще её ещё же за зачем
        и из или им их к как какая какие каких какого какое какой какую ко когда кого кому которая которые который кто
        куда ли меня мне мной мои мой моя моё мы на нам нами нас наш наша наше не него нее нет ни но о об он она они оно
        от откуда по под почему при про с сам своей свой себя сколько со так там тебе тебя то тобой только ты у уже чего
        чей чем чём что чтобы это этого этой этом этот я
    """,
    "Arabic": """
        أن أنا أنت أو أي أين إلى إن ا التي الذي الى الي ان او اي اين بها به بين تلك ثم حتى حيث ذلك سوف عن على عند عندما
        علي عليه فقط في فيه فيها قد كان كانت كم كل كيف كنت لا لقد لك لكن لم لماذا لن له لها لي ليس ما ماذا متى متي مع
        من منذ نحن هذا هذه هل هم هنا هناك هو هي و يا
    """,
    "Hindi": """
        आप आपका आपकी आपके आपको आपने इस इसका इसके इसमें उनका उनकी उनके उस उसका उसकी उसके उसको उसने एक ऐसा और कब कर करना
        कहाँ कहां का कि कितना कितनी कितने किस किसका किसको किसने किसे की कुछ के को कोई कौन क्या क्यों कैसे गई गया गए
        चाहिए जब जो तक तब तुम तो था थी थीं थे दिया ने पर भी मुझे मेरा मेरी मेरे में मैं मैंने यह या ये रहा रही रहे वह
        वे सा सी से हम हमारा हमारी हमारे हमें ही हुआ हुई हुए हूँ है हैं हो होता होती
    """,
}


@cache
def _languages() -> dict[str, tuple[str, ...]]:
    """Return for each stop word the languages, other than English, that have it."""
    found: dict[str, tuple[str, ...]] = {}
    for language, words in _OTHERS.items():
        for word in dict.fromkeys(words.split()):
            found[word] = (*found.get(word, ()), language)
    return found


def language_of(words: Collection[str]) -> str | None:
    """Return the language that the stop words among some words, in lower case, are of; None for English.

    A word that English has, too, says nothing; one with a letter that English has not says it by itself.
    """
    counts: Counter[str] = Counter()
    for word in set(words) - STOP_WORDS:
        for language in _languages().get(word, ()):
            counts[language] += 1 if word.isascii() else CLEAR
    language, most = counts.most_common(1)[0] if counts else ("", 0)
    english = [word for word in STOP_WORDS.intersection(words) if language not in _languages().get(word, ())]
    return language if most >= CLEAR and most > len(english) else None


def stop_words_of(words: Collection[str]) -> frozenset[str]:
    """Return the stop words among some words, in lower case: those of English and of their own language."""
    found = STOP_WORDS.intersection(words)
    language = language_of(words)
    if language is None:
        return found
    return found.union(word for word in words if language in _languages().get(word, ()))
