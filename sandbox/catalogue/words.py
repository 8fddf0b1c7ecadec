"""What the invented distributor sells: attributes and the tree of its categories. Words only."""

from __future__ import annotations

BRANDS = ("Brúnfell", "Quellmark", "Ostrivane", "Tarnbeck", "Vélisor", "Haldrun", "Mørkvik", "Pellarde", "Zünften")

COLOURS_EN = "#C62828|Red||#1565C0|Blue||#212121|Black||#F9A825|Yellow"
COLOURS_FR = "#C62828|Rouge||#1565C0|Bleu||#212121|Noir||#F9A825|Jaune"

# Code, names in English and French, type, labels in English and French.
ATTRIBUTES = (
    ("model", "Model", "Modèle", "TEXT", "", ""),
    ("norm", "Standard", "Norme", "TEXT", "", ""),
    ("origin", "Made in", "Fabriqué en", "TEXT", "", ""),
    ("thread", "Thread", "Filetage", "TEXT", "", ""),
    ("socket", "Socket", "Douille", "TEXT", "", ""),
    ("advice", "Advice for use", "Conseils d'utilisation", "LONG_TEXT", "", ""),
    ("safety", "Safety notes", "Consignes de sécurité", "LONG_TEXT", "", ""),
    ("voltage", "Voltage", "Tension", "NUMBER", "", ""),
    ("teeth", "Teeth", "Nombre de dents", "NUMBER", "", ""),
    ("speed", "Revolutions per minute", "Tours par minute", "NUMBER", "", ""),
    ("lumens", "Luminous flux", "Flux lumineux", "NUMBER", "", ""),
    ("guarantee", "Years of guarantee", "Années de garantie", "NUMBER", "", ""),
    ("launched", "On sale since", "En vente depuis le", "DATE", "", ""),
    ("tested", "Tested on", "Contrôlé le", "DATE", "", ""),
    ("colour", "Colour", "Couleur", "COLOR", "", ""),
    ("colours", "Colours", "Couleurs", "LIST_COLOR", COLOURS_EN, COLOURS_FR),
    ("material", "Material", "Matériau", "LIST_TEXT", "Steel||Brass||Ash||Nylon", "Acier||Laiton||Frêne||Nylon"),
    ("finish", "Finish", "Finition", "LIST_TEXT", "Zinc||Black oxide||Plain", "Zingué||Bruni||Brut"),
    ("drive", "Drive", "Empreinte", "LIST_TEXT", "Slot||Cross||Star||Hex", "Fente||Cruciforme||Étoile||Six pans"),
    ("size", "Size", "Taille", "LIST_TEXT", "S||M||L||XL", "S||M||L||XL"),
    ("grit", "Grit", "Grain", "LIST_TEXT", "40||80||120||240", "40||80||120||240"),
    ("use", "For use on", "Pour", "LIST_TEXT", "Wood||Metal||Stone", "Bois||Métal||Pierre"),
    ("weight", "Weight", "Poids", "METRIC", "", ""),
    ("head", "Weight of the head", "Poids de la tête", "METRIC", "", ""),
    ("dose", "Dose", "Dosage", "METRIC", "", ""),
    ("load", "Safe load", "Charge utile", "METRIC", "", ""),
    ("load_oz", "Pull", "Traction", "METRIC", "", ""),
    ("volume", "Volume", "Volume", "METRIC", "", ""),
    ("tank", "Tank", "Réservoir", "METRIC", "", ""),
    ("tube", "Tube", "Cartouche", "METRIC", "", ""),
    ("bucket", "Bucket", "Seau", "METRIC", "", ""),
    ("length", "Length", "Longueur", "METRIC", "", ""),
    ("reach", "Reach", "Portée", "METRIC", "", ""),
    ("blade", "Blade", "Lame", "METRIC", "", ""),
    ("shaft", "Shaft", "Manche", "METRIC", "", ""),
    ("coverage", "Coverage", "Pouvoir couvrant", "METRIC", "", ""),
    ("sheet", "Area of the sheet", "Surface de la bâche", "METRIC", "", ""),
    ("diameter", "Diameter", "Diamètre", "LIST_METRIC", "11.5||12.5||23", "11.5||12.5||23"),
    ("pack_weight", "Weight of the pack", "Poids du lot", "LIST_METRIC", "0.5||1||5", "0.5||1||5"),
    ("rope", "Length of the rope", "Longueur de la corde", "LIST_METRIC", "10||20||50", "10||20||50"),
)
UNITS = {
    "weight": ("WEIGHT_METRIC", "kg"),
    "head": ("WEIGHT_METRIC", "g"),
    "dose": ("WEIGHT_METRIC", "mg"),
    "load": ("WEIGHT_IMPERIAL", "lb"),
    "load_oz": ("WEIGHT_IMPERIAL", "oz"),
    "volume": ("VOLUME_METRIC", "L"),
    "tank": ("VOLUME_METRIC", "m3"),
    "tube": ("VOLUME_METRIC", "mL"),
    "bucket": ("VOLUME_IMPERIAL", "fl oz"),
    "length": ("LENGTH_METRIC", "cm"),
    "reach": ("LENGTH_METRIC", "m"),
    "blade": ("LENGTH_IMPERIAL", "in"),
    "shaft": ("LENGTH_IMPERIAL", "ft"),
    "coverage": ("AREA_METRIC", "m2"),
    "sheet": ("AREA_IMPERIAL", "ft2"),
    "diameter": ("LENGTH_METRIC", "cm"),
    "pack_weight": ("WEIGHT_METRIC", "kg"),
    "rope": ("LENGTH_METRIC", "m"),
}
FOR_VARIANTS = ("colours", "size", "grit", "diameter", "pack_weight", "rope", "length")

# Top level, second level, and in each two kinds of things: code, category, one of them in English and French.
TREE = {
    ("HAND", "Hand tools"): {
        ("HAND-STRIKE", "Striking tools"): (
            ("HAND-STRIKE-HAMMER", "Hammers", "Claw hammer", "Marteau arrache-clou"),
            ("HAND-STRIKE-MALLET", "Mallets", "Rubber mallet", "Maillet en caoutchouc"),
        ),
        ("HAND-TURN", "Turning tools"): (
            ("HAND-TURN-DRIVER", "Screwdrivers", "Screwdriver", "Tournevis"),
            ("HAND-TURN-SPANNER", "Spanners", "Ring spanner", "Clé polygonale"),
        ),
        ("HAND-HOLD", "Holding tools"): (
            ("HAND-HOLD-PLIERS", "Pliers", "Slip-joint pliers", "Pince multiprise"),
            ("HAND-HOLD-CLAMP", "Clamps", "Screw clamp", "Serre-joint à vis"),
        ),
    },
    ("CUT", "Cutting & sawing"): {
        ("CUT-SAW", "Saws"): (
            ("CUT-SAW-PANEL", "Panel saws", "Panel saw", "Scie égoïne"),
            ("CUT-SAW-BOW", "Bow saws", "Bow saw", "Scie à bûches"),
        ),
        ("CUT-BLADE", "Blades"): (
            ("CUT-BLADE-ROUND", "Circular saw blades", "Circular saw blade", "Lame de scie circulaire"),
            ("CUT-BLADE-JIG", "Jigsaw blades", "Jigsaw blade", "Lame de scie sauteuse"),
        ),
        ("CUT-KNIFE", "Knives & chisels"): (
            ("CUT-KNIFE-TRIM", "Trimming knives", "Trimming knife", "Cutter à lame trapèze"),
            ("CUT-KNIFE-CHISEL", "Chisels", "Bevel-edge chisel", "Ciseau à bois"),
        ),
    },
    ("POWER", "Power tools"): {
        ("POWER-DRILL", "Drilling"): (
            ("POWER-DRILL-CORDLESS", "Cordless drills", "Cordless drill", "Perceuse sans fil"),
            ("POWER-DRILL-ROTARY", "Rotary hammers", "Rotary hammer", "Perforateur"),
        ),
        ("POWER-GRIND", "Grinding & sanding"): (
            ("POWER-GRIND-ANGLE", "Angle grinders", "Angle grinder", "Meuleuse d'angle"),
            ("POWER-GRIND-SAND", "Sanders", "Orbital sander", "Ponceuse orbitale"),
        ),
        ("POWER-ENERGY", "Batteries & chargers"): (
            ("POWER-ENERGY-BATTERY", "Batteries", "Slide-in battery", "Batterie à glissière"),
            ("POWER-ENERGY-CHARGER", "Chargers", "Quick charger", "Chargeur rapide"),
        ),
    },
    ("MEASURE", "Measuring & marking"): {
        ("MEASURE-LENGTH", "Lengths"): (
            ("MEASURE-LENGTH-TAPE", "Tape measures", "Tape measure", "Mètre ruban"),
            ("MEASURE-LENGTH-CALIPER", "Calipers", "Vernier caliper", "Pied à coulisse"),
        ),
        ("MEASURE-LEVEL", "Levels"): (
            ("MEASURE-LEVEL-SPIRIT", "Spirit levels", "Spirit level", "Niveau à bulle"),
            ("MEASURE-LEVEL-LASER", "Laser levels", "Cross-line laser", "Laser en croix"),
        ),
        ("MEASURE-MARK", "Marking"): (
            ("MEASURE-MARK-PENCIL", "Pencils", "Carpenter's pencil", "Crayon de charpentier"),
            ("MEASURE-MARK-CHALK", "Chalk lines", "Chalk line", "Cordeau à tracer"),
        ),
    },
    ("FIX", "Fixings"): {
        ("FIX-SCREW", "Screws & bolts"): (
            ("FIX-SCREW-WOOD", "Wood screws", "Countersunk wood screw", "Vis à bois à tête fraisée"),
            ("FIX-SCREW-BOLT", "Bolts", "Hexagon bolt", "Boulon à tête hexagonale"),
        ),
        ("FIX-PLUG", "Plugs & anchors"): (
            ("FIX-PLUG-WALL", "Wall plugs", "Nylon wall plug", "Cheville en nylon"),
            ("FIX-PLUG-ANCHOR", "Anchors", "Wedge anchor", "Goujon d'ancrage"),
        ),
        ("FIX-GLUE", "Glues & sealants"): (
            ("FIX-GLUE-WOOD", "Wood glues", "Wood glue", "Colle à bois"),
            ("FIX-GLUE-SEAL", "Sealants", "Façade sealant", "Mastic de façade"),
        ),
    },
    ("SAFE", "Safety & site"): {
        ("SAFE-WEAR", "Protective wear"): (
            ("SAFE-WEAR-GLOVE", "Gloves", "Cut-resistant gloves", "Gants anti-coupure"),
            ("SAFE-WEAR-GOGGLE", "Goggles", "Safety goggles", "Lunettes de protection"),
        ),
        ("SAFE-LIGHT", "Site lighting"): (
            ("SAFE-LIGHT-FLOOD", "Floodlights", "LED floodlight", "Projecteur LED"),
            ("SAFE-LIGHT-HEAD", "Head torches", "Head torch", "Lampe frontale"),
        ),
        ("SAFE-PAINT", "Painting & covering"): (
            ("SAFE-PAINT-BRUSH", "Brushes", "Flat brush", "Brosse plate"),
            ("SAFE-PAINT-SHEET", "Dust sheets", "Dust sheet", "Bâche de protection"),
        ),
    },
}
