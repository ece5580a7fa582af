"""The scripts of the sample films. The last two have no tags: they are the newly added titles."""

from fractions import Fraction

from mediafm_store.demo.films.script import Beat, Screenplay, Setting

_SIGNAL = Screenplay(
    "signal-from-the-deep", "Signal from the Deep",
    "An astronaut alone at a listening post hears an answer from the edge of the universe, and "
    "must decide whether to fly out and meet it.",
    ("science fiction", "thriller"), ("space", "astronaut", "suspense", "loneliness"),
    {
        "post": Setting(("astronaut", "galaxies"), "drone", "cold"),
        "desk": Setting(("writing", "coffee"), "beeps", "faded"),
        "pad": Setting(("rocket", "astronaut"), "engine", "night"),
        "out there": Setting(("galaxies",), "silence"),
    },
    (
        Beat("post", "WABABC", ("Nothing for nine days.", "Then this. Listen.",
                                 "That is not a star.")),
        Beat("desk", "WBABAD", ("I have checked it twice.", "Check it again.",
                                 "The same four numbers, over and over."), "fade"),
        Beat("pad", "WEABAB", ("You do not have to go.", "Somebody does.",
                                "The rocket will not wait."), "black"),
        Beat("out there", "WCADB"),
        Beat("post", "EBABAW", ("Can you hear me?", "I never thought we would come back here.")),
    ),
)  # fmt: skip

_LAUNCH = Screenplay(
    "launch-day", "Launch Day",
    "Twenty-four hours at the cape: a crew, a rocket and the man who films every start.",
    ("documentary",), ("space", "rocket", "astronaut", "engineering"),
    {
        "cape": Setting(("rocket",), "sea", "warm"),
        "crew": Setting(("astronaut", "rocket"), "cafe", "plain"),
        "hill": Setting(("camera", "rocket"), "wind", "cold"),
        "ascent": Setting(("rocket", "galaxies"), "engine", "night"),
    },
    (
        Beat("cape", "WCADA", ("Four in the morning, and nobody slept.",)),
        Beat("crew", "WABABCB", ("I eat the same breakfast every time.", "Superstition?",
                                  "Routine.", "The suit takes forty minutes."), "fade"),
        Beat("hill", "WABABE", ("I have filmed thirty of these.", "You never get used to it.")),
        Beat("ascent", "WDABCE", (), "black"),
        Beat("crew", "EABAD", ("It was quiet up there.", "So quiet."),),
        Beat("cape", "WDAC"),
    ),
    fps=Fraction(30000, 1001), subtitles="vtt",
)  # fmt: skip

_WHISKERS = Screenplay(
    "whiskers", "Whiskers",
    "A cat walks out of the garden gate one morning, and a whole street goes looking for her.",
    ("family", "comedy"), ("animals", "cat", "garden", "friendship"),
    {
        "home": Setting(("cat", "coffee"), "music", "warm"),
        "garden": Setting(("flower", "cat"), "birds", "bright"),
        "alley": Setting(("brick", "cat"), "rain", "cold"),
        "lawn": Setting(("grass", "cat"), "crickets", "night"),
    },
    (
        Beat("home", "WABABD", ("Good morning, you.", "Somebody wants her breakfast.",
                                 "In a minute. In a minute!")),
        Beat("garden", "WEABAB", ("Have you seen a cat?", "Which one?",
                                   "Stripes. Very sure of herself.")),
        Beat("alley", "WABABE", ("Here, puss, puss.", "It is only the rain."), "fade"),
        Beat("lawn", "EBABC", (), "black"),
        Beat("garden", "DABABE", ("There! Do not move.", "She was here the whole time.")),
        Beat("home", "WBADA", ("I am never opening that door again.",)),
    ),
)  # fmt: skip

_GARDEN = Screenplay(
    "a-garden-in-june", "A Garden in June",
    "One garden, one month: what opens, what hunts and what hums between the path and the hedge.",
    ("documentary", "nature"), ("garden", "flower", "animals", "summer"),
    {
        "bed": Setting(("flower",), "birds", "plain"),
        "path": Setting(("gravel", "flower"), "wind", "warm"),
        "hunter": Setting(("cat", "grass"), "birds", "plain"),
        "evening": Setting(("flower", "grass"), "crickets", "night"),
    },
    (
        Beat("bed", "WDACAD", ("In the first week everything opens at once.",)),
        Beat("path", "WBABAE", ("Under the stones it stays cool until noon.",
                                 "Whoever lives here comes out late.")),
        Beat("hunter", "WABABCA", ("And somebody is watching.", "She can wait for an hour.",
                                    "Most of the time she goes home hungry."), "fade"),
        Beat("bed", "CAWDA", ()),
        Beat("evening", "WABABE", ("By ten the colours are gone.", "The sound is not."), "black"),
        Beat("path", "EBADC", ("Tomorrow it starts again.",)),
    ),
    fps=Fraction(25),
)  # fmt: skip

_LETTERS = Screenplay(
    "letters-from-the-lake", "Letters from the Lake",
    "A photographer travels to the palace that his grandmother wrote about, with her letters and "
    "a camera that is older than he is.",
    ("drama", "romance"), ("travel", "palace", "photographer", "memory"),
    {
        "lake": Setting(("palace",), "bells", "plain"),
        "terrace": Setting(("palace", "camera"), "sea", "warm"),
        "room": Setting(("writing", "coffee"), "lament", "sepia"),
        "field": Setting(("camera", "grass"), "wind", "faded"),
    },
    (
        Beat("lake", "WCADA", ("She said you could see it from the water.",)),
        Beat("room", "WBABAB", ("My dear, you ask what it was like.", "It was loud, and it was "
                                 "green.", "I was nineteen."), "fade"),
        Beat("terrace", "WEABABC", ("Stand a little to the left.", "Nobody stands there any more.",
                                     "That is why.")),
        Beat("field", "WABABE", ("One more, then we lose the light.",), "black"),
        Beat("room", "ABABD", ("I never thought we would come back here.",
                                "Neither did I.")),
        Beat("lake", "WDAC"),
    ),
    size=(320, 136),
)  # fmt: skip

_STREET = Screenplay(
    "the-corner-table", "The Corner Table",
    "Two strangers share a table in a small café every morning for a year before one of them "
    "says a word.",
    ("romance", "comedy"), ("city", "coffee", "friendship", "food"),
    {
        "table": Setting(("coffee",), "cafe", "warm"),
        "window": Setting(("coffee", "camera"), "cafe", "plain"),
        "wall": Setting(("brick", "camera"), "rain", "cold"),
        "purse": Setting(("coins", "coffee"), "music", "warm"),
    },
    (
        Beat("table", "WCADA", ("The usual?", "The usual.")),
        Beat("window", "WABABE", ("He is here again.", "He is always here.",
                                   "Say something to him.")),
        Beat("wall", "WEBABA", ("You forgot your umbrella.", "I do not own one."), "fade"),
        Beat("purse", "WABABD", ("I am short by two.", "Let me.", "No, really.",
                                  "You can buy the next one.")),
        Beat("wall", "EABAB", (), "black"),
        Beat("table", "AWDAC", ("The usual?", "Two, please.")),
    ),
    fps=Fraction(24000, 1001), subtitles="vtt",
)  # fmt: skip

_COLLECTOR = Screenplay(
    "the-collector", "The Collector",
    "Twenty-four old coins vanish from a locked room. The only witness left a page of numbers "
    "and half a cup of coffee.",
    ("crime", "thriller"), ("detective", "coins", "suspense", "city"),
    {
        "vault": Setting(("coins",), "ticking", "cold"),
        "office": Setting(("writing", "coins"), "lament", "sepia"),
        "yard": Setting(("gravel", "brick"), "rain", "night"),
        "stakeout": Setting(("camera", "brick"), "drums", "faded"),
        "bar": Setting(("coffee", "coins"), "cafe", "warm"),
    },
    (
        Beat("vault", "WCADA", ("The door was shut. It still is.", "And nothing else is gone?")),
        Beat("office", "WBABAB", ("Read me the numbers.", "They are not numbers. They are dates.",
                                   "Whose?"), "fade"),
        Beat("yard", "WEABC", ()),
        Beat("stakeout", "WABABEB", ("He has been there since six.", "Do not let him see us.",
                                      "Too late."), "black"),
        Beat("bar", "WABABD", ("You could have asked me.", "You would have lied.",
                                "Of course I would.")),
        Beat("vault", "WADC", ("Count them again.",)),
    ),
)  # fmt: skip

_WORLDS = Screenplay(
    "inner-worlds", "Inner Worlds",
    "From the back of the eye to a single cell: a journey inwards with the people who draw the "
    "maps.",
    ("documentary", "science"), ("science", "medicine", "microscope", "discovery"),
    {
        "eye": Setting(("retina",), "beeps", "plain"),
        "slide": Setting(("tissue", "cell"), "beeps", "bright"),
        "board": Setting(("writing", "tissue"), "ticking", "faded"),
        "sky": Setting(("galaxies", "retina"), "music", "plain"),
    },
    (
        Beat("eye", "WCADA", ("Look straight ahead.", "This is where seeing begins.")),
        Beat("slide", "WABABE", ("Brown is what we came for.", "Blue is everything else.")),
        Beat("board", "WBABAD", ("It took us four years to write that line.",
                                  "And one afternoon to strike it out."), "fade"),
        Beat("slide", "EBABDA", ("A single cell, afloat.",), "black"),
        Beat("sky", "WEABAB", ("They ask me if it makes us small.", "I think it makes us many.")),
        Beat("eye", "WDCA"),
    ),
    size=(320, 240),
)  # fmt: skip

_ORBIT = Screenplay(
    "the-long-orbit", "The Long Orbit",
    "The last crew of an old station argues about coffee, about home and about who will turn off "
    "the light.",
    ("science fiction", "drama"), (),
    {
        "galley": Setting(("astronaut", "coffee"), "drone", "warm"),
        "window": Setting(("galaxies", "astronaut"), "drone", "plain"),
        "pad": Setting(("rocket",), "engine", "cold"),
        "log": Setting(("writing", "astronaut"), "beeps", "night"),
    },
    (
        Beat("galley", "WABABC", ("That was the last of it.", "You are joking.",
                                   "Four hundred days and you drink the last of it.")),
        Beat("window", "WBABAE", ("Which one is ours?", "None of them.")),
        Beat("pad", "WCADA", (), "fade"),
        Beat("log", "WBABA", ("Day four hundred and one.", "We drew lots.")),
        Beat("window", "EABAD", ("Ready?", "No.", "Me neither."), "black"),
        Beat("galley", "EBABW", ("Somebody will find this place one day.",)),
    ),
)  # fmt: skip

_TOWER = Screenplay(
    "the-cat-of-the-tower", "The Cat of the Tower",
    "In an old palace above a lake lives a cat whom nobody owns and everybody feeds.",
    ("family",), (),
    {
        "tower": Setting(("palace", "cat"), "bells", "warm"),
        "court": Setting(("gravel", "cat"), "birds", "plain"),
        "beds": Setting(("flower", "palace"), "birds", "bright"),
        "night": Setting(("cat", "grass"), "crickets", "night"),
    },
    (
        Beat("tower", "WABABC", ("They say she is older than the roof.", "Who says?",
                                  "Everybody says.")),
        Beat("court", "WBABAE", ("She comes at seven.", "And if you are late?",
                                  "Then she tells the whole street."), "fade"),
        Beat("beds", "WABABD", ("Not in the dahlias!",)),
        Beat("night", "WABAC", (), "black"),
        Beat("court", "EBABAD", ("She is late.", "She is never late.")),
        Beat("tower", "EWBAB", ("There she is. Do not tell anyone.",)),
    ),
)  # fmt: skip

FILMS: tuple[Screenplay, ...] = (
    _SIGNAL, _WHISKERS, _LETTERS, _COLLECTOR, _WORLDS, _LAUNCH, _GARDEN, _STREET, _ORBIT, _TOWER,
)  # fmt: skip
