"""The page of a category, used as a person would."""

import json
import re

import pytest

pytestmark = pytest.mark.browser


def test_mistakes_come_first(open_page, category_page):
    page = open_page(category_page)
    assert page.labels()[:4] == ["stain/001", "dent/002", "good/007", "stain/003"]
    assert len(page.labels()) == 16
    assert "2 of 8 (25 %)" in page.inner_text("#threshold-facts")


@pytest.mark.parametrize(("order", "first"), [("high", "stain/003"), ("low", "good/000"),
                                              ("name", "dent/000")])  # fmt: skip
def test_sorting(open_page, category_page, order, first):
    page = open_page(category_page)
    page.select_option("#sort", order)
    page.settle()
    assert page.labels()[0] == first


def test_filters_by_verdict_kind_and_run(open_page, category_page):
    page = open_page(category_page)
    page.check("input[value='missed']", force=True)
    page.settle()
    assert page.labels() == ["stain/001", "dent/002"]
    page.select_option("#kind", "dent")
    page.settle()
    assert page.labels() == ["dent/002"]
    page.select_option("#run", label="dual")
    page.settle()
    assert page.labels() == ["dent/003", "dent/000"]
    page.select_option("#kind", "good")
    page.settle()
    assert page.inner_text("#count") == "No image passes these filters."


def test_dragging_the_threshold_moves_everything(open_page, category_page):
    page = open_page(category_page)
    card = "[data-at='15'] canvas"
    page.locator(card).scroll_into_view_if_needed()
    page.settle()
    before, curve = page.pixels(card), page.inner_html("#curve-charts")
    page.locator("#threshold-chart svg").scroll_into_view_if_needed()
    box = page.locator("#threshold-chart svg").bounding_box()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 40, steps=4)
    page.mouse.up()
    page.settle()
    threshold = float(page.input_value("#threshold-value"))
    assert threshold < 0.3
    counts = page.locator("#verdicts b").all_inner_texts()  # all, missed, false alarm, found
    assert (counts[1], counts[3]) == ("0", "8")
    assert page.inner_html("#curve-charts") != curve
    page.locator(card).scroll_into_view_if_needed()
    page.settle()
    assert page.pixels(card) != before
    page.click("text=Images that change sides")
    assert page.locator("#changes li").count() > 3
    assert f"--set {threshold} " in page.input_value("#command")
    page.wait_for_url(f"**/*threshold={threshold}")
    page.click("#threshold-reset")
    page.settle()
    assert page.locator("#changes li").count() == 0
    page.wait_for_function("() => !location.hash.includes('threshold')")


def test_cost_follows_prices_and_the_cheapest_is_reached(open_page, category_page):
    page = open_page(category_page)
    for field, value in (("price-miss", "1"), ("price-alarm", "0"), ("price-share", "100")):
        page.fill(f"#{field}", value)
    # 2 of 8 defects are missed: 100 of a thousand parts x 1 x 25 %
    assert "A thousand parts cost 25 at this threshold, 25 at" in page.inner_text("#cost")
    page.fill("#price-miss", "1000000")
    page.click("#cheapest")
    page.settle()
    assert "0 of 8 (0 %)" in page.inner_text("#threshold-facts")
    assert "cost 0 at this threshold" in page.inner_text("#cost")
    page.fill("#price-miss", "")
    assert "NaN" not in page.inner_text("#cost")


def test_addresses_lead_to_images(open_page, category_page):
    page = open_page(category_page, "image=stain%2F002&run=dual&threshold=0.85")
    assert page.locator("#viewer[open]").count() == 1
    assert "stain/002" in page.inner_text("#viewer-title")
    assert "missed" in page.inner_text("#viewer-title")
    assert page.input_value("#threshold-value") == "0.85"
    page.evaluate("() => { location.hash = 'image=dent/001'; }")
    page.settle()
    assert "dent/001" in page.inner_text("#viewer-title")
    page.evaluate("() => { location.hash = 'image=no/such&run=none&verdict=x'; }")
    page.settle()
    assert page.locator("#viewer[open]").count() == 0


def test_parts_of_the_page_are_reached_and_nothing_is_lost(open_page, category_page):
    page = open_page(category_page, "run=dual&kind=dent&threshold=0.5")
    page.click("nav a[href='#sensors']")
    page.settle()
    assert page.evaluate("() => document.activeElement.id") == "sensors"
    assert page.evaluate("() => scrollY") > 200
    assert page.input_value("#run") == "1"
    assert page.input_value("#kind") == "dent"
    assert page.url.endswith("#run=dual&threshold=0.5&kind=dent")


def test_the_large_image(open_page, category_page):
    page = open_page(category_page)
    page.click("#cards .image-card")
    page.settle()
    assert page.locator("#viewer-panels canvas").count() == 3
    before = page.pixels("#viewer-panels canvas")
    page.locator("#viewer [data-view=opacity]").fill("0")
    page.settle()
    without_map = page.pixels("#viewer-panels canvas")
    page.select_option("#viewer [data-view=base]", "height")
    page.settle()
    height = page.pixels("#viewer-panels canvas")
    page.uncheck("#viewer [data-view=truth]")
    page.settle()
    without_outline = page.pixels("#viewer-panels canvas")
    page.click("#zoom-in")
    page.settle()
    zoomed = page.pixels("#viewer-panels canvas")
    assert len({before, without_map, height, without_outline, zoomed}) == 5
    page.select_option("#other", label="dual")
    page.settle()
    assert page.locator("#viewer-panels canvas").count() == 6


def test_values_under_the_pointer(open_page, category_page):
    page = open_page(category_page, "image=stain/003")
    box = page.locator("#viewer-panels canvas").first.bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    page.settle()
    said = page.inner_text("#values")
    assert "30 % across, 30 % down" in said
    fused = float(re.search(r"fused map ([\d.]+)", said)[1])
    assert fused == pytest.approx(0.99, abs=0.01)
    assert re.search(r"height [\d.]+ mm", said)


def test_the_surface_is_drawn_and_turns(open_page, category_page):
    page = open_page(category_page, "image=dent/000")
    page.click("#solid summary")
    page.wait_for_function("() => document.getElementById('surface-text').textContent")
    page.settle()
    assert "Turn it" in page.inner_text("#surface-text")
    first = page.pixels("#surface")
    colours = page.evaluate("""() => { const c = document.createElement('canvas');
        const s = document.getElementById('surface'); c.width = s.width; c.height = s.height;
        const x = c.getContext('2d'); x.drawImage(s, 0, 0);
        return new Set(new Uint32Array(x.getImageData(0, 0, c.width, c.height).data.buffer)).size; }
        """)
    assert colours > 100
    page.focus("#surface")
    page.keyboard.press("ArrowRight")
    turned = page.pixels("#surface")
    page.select_option("#surface-colour", "anomaly")
    page.settle()
    assert len({first, turned, page.pixels("#surface")}) == 3
    box = page.locator("#surface").bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 260, box["y"] + 150, steps=3)
    page.mouse.up()
    assert page.pixels("#surface") != turned
    assert "dent/000" in page.inner_text("#viewer-title")


def test_without_webgl_a_sentence_stands_there(open_page, category_page):
    page = open_page(category_page)
    page.evaluate("() => { HTMLCanvasElement.prototype.getContext = new Proxy("
                  "HTMLCanvasElement.prototype.getContext, { apply: (f, one, [kind, ...more]) =>"
                  " kind === 'webgl' ? null : f.call(one, kind, ...more) }); }")  # fmt: skip
    page.evaluate("() => { location.hash = 'image=dent/000'; }")
    page.settle()
    page.click("#solid summary")
    page.settle()
    assert "shows no WebGL" in page.inner_text("#surface-text")
    assert page.locator("#surface").is_hidden()


def test_the_keyboard_alone_is_enough(open_page, category_page):
    page = open_page(category_page)
    page.keyboard.press("1")
    page.settle()
    assert page.labels() == ["stain/001", "dent/002"]
    page.locator("#sort").focus()
    for _ in range(4):  # picture, map, outline, then the first card
        page.keyboard.press("Tab")
    assert "stain/001" in page.evaluate("() => document.activeElement.getAttribute('aria-label')")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.settle()
    assert "dent/002" in page.inner_text("#viewer-title")
    page.keyboard.press("ArrowRight")
    page.settle()
    assert "stain/001" in page.inner_text("#viewer-title")
    before = float(page.input_value("#threshold-value"))
    page.keyboard.press("-")
    page.settle()
    assert float(page.input_value("#threshold-value")) < before
    page.keyboard.press("Escape")
    page.settle()
    assert page.locator("#viewer[open]").count() == 0
    assert page.evaluate("() => document.activeElement.className") == "image-card"
    page.keyboard.press("0")
    page.settle()
    assert len(page.labels()) == 16


def test_every_control_has_a_name(open_page, category_page):
    page = open_page(category_page)
    nameless = page.evaluate("""() => [...document.querySelectorAll('button, input, select')]
        .filter(one => !(one.labels?.length || one.textContent.trim()
            || one.getAttribute('aria-label'))).map(one => one.outerHTML)""")
    assert nameless == []


@pytest.mark.parametrize("address", ["", "image=dent/000"])
def test_it_fits_a_narrow_screen(open_page, category_page, address):
    page = open_page(category_page, address, width=400)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 400
    inside = page.evaluate("() => document.getElementById('viewer').scrollWidth"
                           " - document.getElementById('viewer').clientWidth")  # fmt: skip
    assert inside <= 0


def test_what_is_not_judged_says_why_as_text(open_page, category_page):
    page = open_page(category_page)
    assert "its colour image is too dark: <b>0</b>" in page.inner_text("#not-judged")
    page.keyboard.press("5")
    page.settle()
    assert page.labels() == ["good/003"]


def test_tables_by_kind_size_and_run(open_page, category_page):
    page = open_page(category_page)
    found = page.inner_text("#found-tables")
    assert "3 of 4 (75 %)" in found
    assert "By size" in found
    assert "90 % (80 to 95 %)" in page.inner_text("#runs-table")
    assert page.locator("#curve-charts .point").count() == 2


def test_the_command_is_copied(open_page, category_page):
    page = open_page(category_page, permissions=["clipboard-read", "clipboard-write"])
    page.click("#copy")
    page.wait_for_function("() => document.getElementById('copied').textContent")
    assert page.input_value("#command").startswith("dcrdf threshold ")
    assert "--note 'set by hand: misses 2 of 8 (25 %)" in page.input_value("#command")


def test_without_script_it_says_so(open_page, category_page, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(category_page.as_uri())
    assert "switched off" in page.inner_text("noscript")
    context.close()


def with_images(page_file, folder, chosen, **of_runs):
    """A copy of the page with some of its images; `of_runs` replace what runs say of them."""
    text = page_file.read_text(encoding="utf-8")
    before, data, after = re.split(r'(?<=id="data">)(.*?)(?=</script>)', text, maxsplit=1)
    data = json.loads(data)
    data["images"] = [data["images"][at] for at in chosen]
    for run in data["runs"]:
        run["scores"] = {name: [x[at] for at in chosen] for name, x in run["scores"].items()}
        run["notJudged"] = [run["notJudged"][at] for at in chosen]
        run["overlap"] = None
        run.update(of_runs)
        for one in run["maps"].values():
            one["images"] = [one["images"][at] for at in chosen]
    for one in data["prepared"]:
        one["heights"]["images"] = [one["heights"]["images"][at] for at in chosen]
        one.update({name: [one[name][at] for at in chosen] for name in ("colour", "outlines")})
    for one in data["readings"]:
        one["values"] = [one["values"][at] for at in chosen]
    path = folder / "some.html"
    path.write_text(before + json.dumps(data).replace("<", "\\u003c") + after, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("chosen", "of_runs"),
    [([0], {}), ([8], {}), ([], {}), ([0, 1], {"notJudged": ["dark", "dark"]}),
     ([0, 9], {"scores": {"fused": [0.5, 0.5]}, "validation": [], "threshold": 0.5})],
    ids=["one good", "one defect", "none", "none judged", "all alike"],
)  # fmt: skip
def test_few_images_are_no_trouble(open_page, category_page, tmp_path, chosen, of_runs):
    page = open_page(with_images(category_page, tmp_path, chosen, **of_runs))
    assert len(page.labels()) == len(chosen)
    for key in ("+", "-", "1", "0"):
        page.keyboard.press(key)
        page.settle()
    text = page.inner_text("main")
    assert "NaN" not in text
    assert "Infinity" not in text
    assert "undefined" not in text
