"""What the shop sells. The product's id is its name in the address, its picture's name, and its itemId."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Category:
    """A shelf of the shop."""

    slug: str
    name: str
    line: str


@dataclass(frozen=True, slots=True)
class Product:
    """One thing for sale."""

    id: str
    name: str
    price: float
    """In euros."""
    category: str
    text: str
    detail: str
    new: bool = False


CATEGORIES = {
    category.slug: category
    for category in (
        Category("ceramics", "Ceramics", "Thrown, glazed and fired in small batches."),
        Category("light", "Light", "Warm light for the end of the day."),
        Category("plants", "Plants", "Patient green company, potted and ready."),
        Category("textiles", "Textiles", "Wool, linen and cotton that age well."),
        Category("prints", "Prints", "Six quiet pictures, framed in oak, pine and black."),
        Category("objects", "Objects", "Useful things that are good to look at."),
    )
}

_ROWS = (
    # ruff: noqa: E501 - one product a line reads as the table it is
    ("ceramics", "morning-mug", "Morning Mug", 24, "Holds exactly one slow coffee. Speckled oat glaze, a handle for three fingers.", "Stoneware, 300 ml, dishwasher safe", False),
    ("ceramics", "noodle-bowl", "Noodle Bowl", 32, "Deep, wide and steady. A band of river blue where the spoon comes to rest.", "Stoneware, 900 ml, with chopsticks", True),
    ("ceramics", "dune-vase", "Dune Vase", 58, "Terracotta with two pale waves. Looks finished with three dry stems in it.", "Terracotta, 24 cm, watertight", False),
    ("ceramics", "hearth-teapot", "Hearth Teapot", 74, "Pours without a drip and keeps four cups warm until the story ends.", "Stoneware, 1.1 l, brass handle", False),
    ("ceramics", "orchard-jug", "Orchard Jug", 46, "Milk, lemonade, or the first tulips. Dipped in blue by hand.", "Porcelain, 1.4 l, hand-dipped", True),
    ("ceramics", "supper-plates", "Supper Plates", 88, "Four plates in the colour of roof tiles after rain.", "Set of four, 26 cm, stoneware", False),
    ("light", "dome-pendant", "Dome Pendant", 139, "A low, round pool of light over the table and nothing in your eyes.", "Spun steel, 38 cm, E27", False),
    ("light", "linen-table-lamp", "Linen Table Lamp", 98, "A pleated shade on a clay foot: the light of a bedside story.", "Linen and clay, 44 cm, dimmable", False),
    ("light", "reading-floor-lamp", "Reading Floor Lamp", 165, "Leans over your shoulder just far enough to read along.", "Steel, 148 cm, head turns", True),
    ("light", "beeswax-candles", "Beeswax Candles", 19, "Two pillars that smell of honey and burn for a long weekend.", "Pure beeswax, 40 and 28 hours", False),
    ("light", "harbour-lantern", "Harbour Lantern", 64, "Carried out to the terrace in June, kept on the stairs all winter.", "Powder-coated steel and glass, 36 cm", False),
    ("light", "moon-globe-lamp", "Moon Globe Lamp", 79, "A full moon on a walnut foot; tap for half, tap for gone.", "Frosted glass, 22 cm, rechargeable", True),
    ("plants", "monstera", "Monstera", 42, "Grows a new window in its leaves whenever it feels at home.", "Height 60 cm, pot included", False),
    ("plants", "snake-plant", "Snake Plant", 29, "Forgives holidays, dark corners and enthusiastic watering.", "Height 55 cm, pot included", False),
    ("plants", "cactus-trio", "Cactus Trio", 34, "Three small characters who only ask for sun and to be left alone.", "8 to 16 cm, three pots", False),
    ("plants", "olive-tree", "Little Olive Tree", 68, "Silver leaves for a bright sill, and now and then an olive.", "Height 80 cm, pot included", True),
    ("plants", "boston-fern", "Boston Fern", 26, "A green fountain for the bathroom, where it is happiest.", "Height 45 cm, pot included", False),
    ("plants", "string-of-pearls", "String of Pearls", 31, "Beads of green that spill slowly over the edge of things.", "Hanging pot, 40 cm", False),
    ("textiles", "stripe-cushion", "Deckchair Cushion", 39, "Holiday stripes in washed cotton, made for a reading corner.", "Cotton, 45 by 45 cm, feather fill", False),
    ("textiles", "round-velvet-cushion", "Round Velvet Cushion", 45, "A pleated sun in deep teal with a brass button.", "Cotton velvet, 42 cm", False),
    ("textiles", "wool-throw", "Lambswool Throw", 119, "Woven in the hills, heavy enough to end an argument about the heating.", "Lambswool, 130 by 190 cm", False),
    ("textiles", "berber-rug", "Berber Rug", 289, "Hand-knotted, cream, with three lines of mountains walking across it.", "Wool, 170 by 240 cm", True),
    ("textiles", "linen-tea-towels", "Linen Tea Towels", 22, "Two towels that get better with every single wash.", "Set of two, 50 by 70 cm", False),
    ("textiles", "washed-bed-linen", "Washed Bed Linen", 149, "Crumpled on purpose, soft from the first night.", "Linen, 140 by 200 cm", False),
    ("prints", "print-arches", "Print: Arches", 54, "Three arches and a small sun, in clay and ochre.", "30 by 40 cm, oak frame", False),
    ("prints", "print-low-sun", "Print: Low Sun", 54, "The last ten minutes over the bay.", "30 by 40 cm, black frame", False),
    ("prints", "print-ridges", "Print: Ridges", 54, "Four ridgelines before anyone else is up.", "30 by 40 cm, oak frame", True),
    ("prints", "print-wild-stem", "Print: Wild Stem", 48, "One stem, seven leaves, plenty of air.", "30 by 40 cm, white frame", False),
    ("prints", "print-moon-phases", "Print: Moon Phases", 58, "A month of nights in five pieces.", "30 by 40 cm, black frame", False),
    ("prints", "print-still-life", "Print: Still Life", 58, "A vase, an orange and something green, at rest.", "30 by 40 cm, oak frame", False),
    ("objects", "quiet-clock", "Quiet Clock", 69, "Sweeps instead of ticking. You will hear the kettle instead.", "Oak rim, 32 cm", False),
    ("objects", "oak-stool", "Oak Stool", 129, "A seat, a step, a bedside table; never in the way.", "Solid oak, 45 cm", False),
    ("objects", "arch-mirror", "Arch Mirror", 189, "Puts a window where the wall forgot one.", "Brass frame, 60 by 90 cm", True),
    ("objects", "seagrass-basket", "Seagrass Basket", 36, "For blankets, firewood, or the cat.", "Seagrass, 38 cm", False),
    ("objects", "walnut-tray", "Walnut Tray", 52, "Carries breakfast, then holds the small things on the shelf.", "Walnut, 40 cm", False),
    ("objects", "pocket-notebooks", "Pocket Notebooks", 18, "Two notebooks and a pencil that is always sharp enough.", "Set of two, 96 pages each", True),
)  # fmt: skip

PRODUCTS = {row[1]: Product(row[1], row[2], float(row[3]), row[0], row[4], row[5], row[6]) for row in _ROWS}

POPULAR = (
    "morning-mug", "monstera", "wool-throw", "dome-pendant", "print-arches", "seagrass-basket",
    "dune-vase", "olive-tree", "linen-table-lamp", "stripe-cushion", "quiet-clock", "hearth-teapot",
    "harbour-lantern", "walnut-tray", "print-low-sun", "snake-plant",
)  # fmt: skip
"""What sells best: shown where there is nothing better to recommend."""


def products(ids: Iterable[str]) -> list[Product]:
    """The products of these ids, in this order; ids we do not sell (any more) are left out."""
    return [PRODUCTS[id_] for id_ in ids if id_ in PRODUCTS]


def newest() -> list[Product]:
    """What came in lately."""
    return [product for product in PRODUCTS.values() if product.new]


def of_category(slug: str) -> list[Product]:
    """One shelf."""
    return [product for product in PRODUCTS.values() if product.category == slug]
