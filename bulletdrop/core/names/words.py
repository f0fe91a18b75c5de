"""Words that slugs are made of in the style `words`: small, kind, and said over a phone without spelling them."""

from __future__ import annotations

# Together with a noun and a number from 1000 to 9999: see `slugs.new_slug` for what that is worth. No word may stand
# twice, and none is a name, a brand or something that hurts before another word.
_ADJECTIVES = (
    "able airy amber ample apt autumn avid azure balmy basic bold brave breezy brief bright brisk broad bronze"
    " bubbly busy calm candid careful cheery chilly civil classic clean clear clever cobalt coastal cool copper"
    " coral cosmic cozy crafty cream crimson crisp crystal curious curly cyan dainty daring dear deft distant"
    " dotted dreamy dusky eager early earnest easy eastern elegant emerald epic equal even exact faint fair"
    " faithful famous fancy fast fearless festive fine firm fleet floral fluent flying fond frank free fresh"
    " friendly frosty fuzzy gallant gentle genuine giant gifted giving glad glassy gleaming glossy glowing golden"
    " good graceful grand grassy grateful great green grinning handy happy hardy hazel hearty helpful hidden"
    " honest hopeful humble icy ideal indigo inner ivory jade jaunty jolly jovial joyful joyous keen kind"
    " lasting lavender leafy lemon level light lilac lively logical loud loving loyal lucid lucky lunar magic"
    " major maple marble maroon marvellous meadow mellow merry mighty mild minty misty modern modest mossy musical"
    " native nautical navy neat nice nimble noble northern novel oaken oceanic olive open orange orderly outer"
    " patient peaceful peachy pearly perky playful plucky plum polar polite proper proud punctual pure purple"
    " quick quiet radiant rapid rare ready real regal relaxed restful rich ripe robust rosy round ruby rustic"
    " sandy scarlet secure serene sharp shining shiny silent silken silver simple sincere sleek sleepy smart"
    " smiling smooth snowy snug social soft solar solid sonic southern sparkling speedy spicy spotless spring"
    " spry stable starry steady stellar still stout strong sturdy summer sunny super sure swift tall tame tender"
    " thankful thorough tidy timely tiny topaz tranquil trim true trusty twin upbeat useful valiant valid vast"
    " velvet verdant violet vivid warm wavy western whole wild willing winged winter wise witty wonderful"
    " woolly worthy young zesty"
)

_NOUNS = (
    "acorn alder almond alpaca anchor antler apple apricot arch aspen aster atlas aurora badger bakery balcony"
    " balloon bamboo banjo barley basil basket bay beach beacon bear beaver bell berry birch bird biscuit"
    " blossom boat bonfire bonsai book bough bramble branch bread breeze brick bridge brook bubble buffalo bunny"
    " butter button cabin cactus camel candle canoe canvas canyon caramel cardinal caribou carrot castle cedar"
    " cello chalk chapel cheetah cherry chestnut chime cider cinnamon circle citrus clarinet cliff cloud clover"
    " coast cobble cocoa comet compass condor cookie coral corner cottage cotton cove cradle crane crater"
    " creek cricket crocus crown cup curlew cushion cypress daffodil daisy dawn deer desert dewdrop dolphin dove"
    " dragonfly drum duckling dune eagle echo egret elder elk elm ember falcon fawn feather fern ferry fiddle"
    " field fig finch firefly fjord flute forest fountain fox freckle frost galaxy garden gazelle geyser ginger"
    " giraffe glacier glade glove goose grape grotto grove guitar gull hamlet hammock harbor harp harvest hawk"
    " hazelnut heather hedgehog heron hill hollow honey horizon ibis iceberg iris island ivy jacket jasmine"
    " jigsaw juniper kangaroo kayak kettle kitten kite kiwi koala ladybug lagoon lake lantern lark laurel leaf"
    " library lighthouse lily linden lobster lotus lynx magnolia mango maple marigold marsh meadow melody melon"
    " meteor mill mint mitten moon moose mountain muffin mushroom nebula nectar nest nightingale nutmeg oak oasis"
    " oat ocean orchard orchid oriole osprey otter owl paddle panda pancake parade parrot pasture path peach"
    " pear pearl pebble pelican penguin peony pepper piano pigeon pillow pine planet plaza pocket pond poplar"
    " poppy prairie puffin pumpkin quail quartz quilt rabbit raccoon rainbow raven reed reef ribbon river robin"
    " rocket rose rowan saffron sail salmon sandal saturn sawmill scarf seal sequoia shell shore sparrow spruce"
    " squirrel star starling stone stork stream summit sunbeam sunrise swallow swan sycamore teapot temple"
    " thicket thistle thrush thyme tiger toucan tower trail tree trellis trumpet tulip tundra turtle valley"
    " vanilla vine viola violin walnut waterfall wave whale wheat willow window wombat wren yarrow zebra"
)

ADJECTIVES: tuple[str, ...] = tuple(_ADJECTIVES.split())
NOUNS: tuple[str, ...] = tuple(_NOUNS.split())
