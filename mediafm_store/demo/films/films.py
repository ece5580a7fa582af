"""The scripts of the sample films. The last two have no tags: they are the newly added titles."""

from fractions import Fraction

from mediafm_store.demo.films.script import Film, Place, Scene

SIGNAL = Film(
    "signal-from-the-deep", "Signal from the Deep",
    "An astronaut alone at a listening post hears an answer from the edge of the universe, and "
    "must decide whether to fly out and meet it.",
    ("science fiction", "thriller"), ("space", "astronaut", "suspense", "loneliness"),
    {
        "post": Place(("astronaut", "galaxies"), "drone", "cold"),
        "desk": Place(("writing", "coffee"), "beeps", "faded"),
        "pad": Place(("rocket", "astronaut"), "engine", "night"),
        "out there": Place(("galaxies",), "silence"),
    },
    (
        Scene("post", "WABABC", ("Nothing for nine days.", "Then this. Listen.",
                                 "That is not a star.")),
        Scene("desk", "WBABAD", ("I have checked it twice.", "Check it again.",
                                 "The same four numbers, over and over."), "fade"),
        Scene("pad", "WEABAB", ("You do not have to go.", "Somebody does.",
                                "The rocket will not wait."), "black"),
        Scene("out there", "WCADB"),
        Scene("post", "EBABAW", ("Can you hear me?", "I never thought we would come back here.")),
    ),
)  # fmt: skip

LAUNCH = Film(
    "launch-day", "Launch Day",
    "Twenty-four hours at the cape: a crew, a rocket and the man who films every start.",
    ("documentary",), ("space", "rocket", "astronaut", "engineering"),
    {
        "cape": Place(("rocket",), "sea", "warm"),
        "crew": Place(("astronaut", "rocket"), "cafe", "plain"),
        "hill": Place(("camera", "rocket"), "wind", "cold"),
        "ascent": Place(("rocket", "galaxies"), "engine", "night"),
    },
    (
        Scene("cape", "WCADA", ("Four in the morning, and nobody slept.",)),
        Scene("crew", "WABABCB", ("I eat the same breakfast every time.", "Superstition?",
                                  "Routine.", "The suit takes forty minutes."), "fade"),
        Scene("hill", "WABABE", ("I have filmed thirty of these.", "You never get used to it.")),
        Scene("ascent", "WDABCE", (), "black"),
        Scene("crew", "EABAD", ("It was quiet up there.", "So quiet."),),
        Scene("cape", "WDAC"),
    ),
    fps=Fraction(30000, 1001), subtitles="vtt",
)  # fmt: skip

WHISKERS = Film(
    "whiskers", "Whiskers",
    "A cat walks out of the garden gate one morning, and a whole street goes looking for her.",
    ("family", "comedy"), ("animals", "cat", "garden", "friendship"),
    {
        "home": Place(("cat", "coffee"), "music", "warm"),
        "garden": Place(("flower", "cat"), "birds", "bright"),
        "alley": Place(("brick", "cat"), "rain", "cold"),
        "lawn": Place(("grass", "cat"), "crickets", "night"),
    },
    (
        Scene("home", "WABABD", ("Good morning, you.", "Somebody wants her breakfast.",
                                 "In a minute. In a minute!")),
        Scene("garden", "WEABAB", ("Have you seen a cat?", "Which one?",
                                   "Stripes. Very sure of herself.")),
        Scene("alley", "WABABE", ("Here, puss, puss.", "It is only the rain."), "fade"),
        Scene("lawn", "EBABC", (), "black"),
        Scene("garden", "DABABE", ("There! Do not move.", "She was here the whole time.")),
        Scene("home", "WBADA", ("I am never opening that door again.",)),
    ),
)  # fmt: skip

GARDEN = Film(
    "a-garden-in-june", "A Garden in June",
    "One garden, one month: what opens, what hunts and what hums between the path and the hedge.",
    ("documentary", "nature"), ("garden", "flower", "animals", "summer"),
    {
        "bed": Place(("flower",), "birds", "plain"),
        "path": Place(("gravel", "flower"), "wind", "warm"),
        "hunter": Place(("cat", "grass"), "birds", "plain"),
        "evening": Place(("flower", "grass"), "crickets", "night"),
    },
    (
        Scene("bed", "WDACAD", ("In the first week everything opens at once.",)),
        Scene("path", "WBABAE", ("Under the stones it stays cool until noon.",
                                 "Whoever lives here comes out late.")),
        Scene("hunter", "WABABCA", ("And somebody is watching.", "She can wait for an hour.",
                                    "Most of the time she goes home hungry."), "fade"),
        Scene("bed", "CAWDA", ()),
        Scene("evening", "WABABE", ("By ten the colours are gone.", "The sound is not."), "black"),
        Scene("path", "EBADC", ("Tomorrow it starts again.",)),
    ),
    fps=Fraction(25),
)  # fmt: skip

LETTERS = Film(
    "letters-from-the-lake", "Letters from the Lake",
    "A photographer travels to the palace that his grandmother wrote about, with her letters and "
    "a camera that is older than he is.",
    ("drama", "romance"), ("travel", "palace", "photographer", "memory"),
    {
        "lake": Place(("palace",), "bells", "plain"),
        "terrace": Place(("palace", "camera"), "sea", "warm"),
        "room": Place(("writing", "coffee"), "lament", "sepia"),
        "field": Place(("camera", "grass"), "wind", "faded"),
    },
    (
        Scene("lake", "WCADA", ("She said you could see it from the water.",)),
        Scene("room", "WBABAB", ("My dear, you ask what it was like.", "It was loud, and it was "
                                 "green.", "I was nineteen."), "fade"),
        Scene("terrace", "WEABABC", ("Stand a little to the left.", "Nobody stands there any more.",
                                     "That is why.")),
        Scene("field", "WABABE", ("One more, then we lose the light.",), "black"),
        Scene("room", "ABABD", ("I never thought we would come back here.",
                                "Neither did I.")),
        Scene("lake", "WDAC"),
    ),
    size=(320, 136),
)  # fmt: skip

STREET = Film(
    "the-corner-table", "The Corner Table",
    "Two strangers share a table in a small café every morning for a year before one of them "
    "says a word.",
    ("romance", "comedy"), ("city", "coffee", "friendship", "food"),
    {
        "table": Place(("coffee",), "cafe", "warm"),
        "window": Place(("coffee", "camera"), "cafe", "plain"),
        "wall": Place(("brick", "camera"), "rain", "cold"),
        "purse": Place(("coins", "coffee"), "music", "warm"),
    },
    (
        Scene("table", "WCADA", ("The usual?", "The usual.")),
        Scene("window", "WABABE", ("He is here again.", "He is always here.",
                                   "Say something to him.")),
        Scene("wall", "WEBABA", ("You forgot your umbrella.", "I do not own one."), "fade"),
        Scene("purse", "WABABD", ("I am short by two.", "Let me.", "No, really.",
                                  "You can buy the next one.")),
        Scene("wall", "EABAB", (), "black"),
        Scene("table", "AWDAC", ("The usual?", "Two, please.")),
    ),
    fps=Fraction(24000, 1001), subtitles="vtt",
)  # fmt: skip

COLLECTOR = Film(
    "the-collector", "The Collector",
    "Twenty-four old coins vanish from a locked room. The only witness left a page of numbers "
    "and half a cup of coffee.",
    ("crime", "thriller"), ("detective", "coins", "suspense", "city"),
    {
        "vault": Place(("coins",), "ticking", "cold"),
        "office": Place(("writing", "coins"), "lament", "sepia"),
        "yard": Place(("gravel", "brick"), "rain", "night"),
        "stakeout": Place(("camera", "brick"), "drums", "faded"),
        "bar": Place(("coffee", "coins"), "cafe", "warm"),
    },
    (
        Scene("vault", "WCADA", ("The door was shut. It still is.", "And nothing else is gone?")),
        Scene("office", "WBABAB", ("Read me the numbers.", "They are not numbers. They are dates.",
                                   "Whose?"), "fade"),
        Scene("yard", "WEABC", ()),
        Scene("stakeout", "WABABEB", ("He has been there since six.", "Do not let him see us.",
                                      "Too late."), "black"),
        Scene("bar", "WABABD", ("You could have asked me.", "You would have lied.",
                                "Of course I would.")),
        Scene("vault", "WADC", ("Count them again.",)),
    ),
)  # fmt: skip

WORLDS = Film(
    "inner-worlds", "Inner Worlds",
    "From the back of the eye to a single cell: a journey inwards with the people who draw the "
    "maps.",
    ("documentary", "science"), ("science", "medicine", "microscope", "discovery"),
    {
        "eye": Place(("retina",), "beeps", "plain"),
        "slide": Place(("tissue", "cell"), "beeps", "bright"),
        "board": Place(("writing", "tissue"), "ticking", "faded"),
        "sky": Place(("galaxies", "retina"), "music", "plain"),
    },
    (
        Scene("eye", "WCADA", ("Look straight ahead.", "This is where seeing begins.")),
        Scene("slide", "WABABE", ("Brown is what we came for.", "Blue is everything else.")),
        Scene("board", "WBABAD", ("It took us four years to write that line.",
                                  "And one afternoon to strike it out."), "fade"),
        Scene("slide", "EBABDA", ("A single cell, afloat.",), "black"),
        Scene("sky", "WEABAB", ("They ask me if it makes us small.", "I think it makes us many.")),
        Scene("eye", "WDCA"),
    ),
    size=(320, 240),
)  # fmt: skip

ORBIT = Film(
    "the-long-orbit", "The Long Orbit",
    "The last crew of an old station argues about coffee, about home and about who will turn off "
    "the light.",
    ("science fiction", "drama"), (),
    {
        "galley": Place(("astronaut", "coffee"), "drone", "warm"),
        "window": Place(("galaxies", "astronaut"), "drone", "plain"),
        "pad": Place(("rocket",), "engine", "cold"),
        "log": Place(("writing", "astronaut"), "beeps", "night"),
    },
    (
        Scene("galley", "WABABC", ("That was the last of it.", "You are joking.",
                                   "Four hundred days and you drink the last of it.")),
        Scene("window", "WBABAE", ("Which one is ours?", "None of them.")),
        Scene("pad", "WCADA", (), "fade"),
        Scene("log", "WBABA", ("Day four hundred and one.", "We drew lots.")),
        Scene("window", "EABAD", ("Ready?", "No.", "Me neither."), "black"),
        Scene("galley", "EBABW", ("Somebody will find this place one day.",)),
    ),
)  # fmt: skip

TOWER = Film(
    "the-cat-of-the-tower", "The Cat of the Tower",
    "In an old palace above a lake lives a cat whom nobody owns and everybody feeds.",
    ("family",), (),
    {
        "tower": Place(("palace", "cat"), "bells", "warm"),
        "court": Place(("gravel", "cat"), "birds", "plain"),
        "beds": Place(("flower", "palace"), "birds", "bright"),
        "night": Place(("cat", "grass"), "crickets", "night"),
    },
    (
        Scene("tower", "WABABC", ("They say she is older than the roof.", "Who says?",
                                  "Everybody says.")),
        Scene("court", "WBABAE", ("She comes at seven.", "And if you are late?",
                                  "Then she tells the whole street."), "fade"),
        Scene("beds", "WABABD", ("Not in the dahlias!",)),
        Scene("night", "WABAC", (), "black"),
        Scene("court", "EBABAD", ("She is late.", "She is never late.")),
        Scene("tower", "EWBAB", ("There she is. Do not tell anyone.",)),
    ),
)  # fmt: skip

FILMS: tuple[Film, ...] = (
    SIGNAL, WHISKERS, LETTERS, COLLECTOR, WORLDS, LAUNCH, GARDEN, STREET, ORBIT, TOWER,
)  # fmt: skip
