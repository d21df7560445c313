"""A headless Chromium that opens files from disk, for end-to-end tests of
reports.

    with browser.Browser(width=1200, height=900) as page:
        page.open("/path/to/report.html")
        page.check_quiet()
"""

import json
import os
import pathlib
import shutil

import migtest
from migtest import check

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
except ImportError:
    webdriver = None


def skip_without_browser():
    """Skips the whole test where it cannot run."""
    for program in ("chromium", "chromedriver"):
        if not shutil.which(program):
            migtest.skip(f"{program} is not installed")
    if webdriver is None:
        migtest.skip("python3-selenium is not installed")


def axe_script():
    """axe-core as tools/get-axe has fetched it, or None."""
    cache = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
    path = pathlib.Path(cache, "migscope", "axe", "axe.min.js")
    return path.read_text(encoding="utf-8") if path.exists() else None


class Browser:
    def __init__(self, width, height, dark=False):
        options = webdriver.ChromeOptions()
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu",
                         "--disable-dev-shm-usage", "--hide-scrollbars",
                         f"--window-size={width},{height}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL",
                                                     "performance": "ALL"})
        options.binary_location = shutil.which("chromium")
        self.driver = webdriver.Chrome(
            service=Service(shutil.which("chromedriver")), options=options)
        # A window has a least width; a phone has not.
        self.size(width, height)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme",
                          "value": "dark" if dark else "light"}]})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.quit()

    def size(self, width, height):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1,
            "mobile": width < 600})

    def open(self, path):
        """How many milliseconds that took, until all was drawn."""
        self.url = pathlib.Path(path).as_uri()
        self.driver.get_log("performance")
        self.driver.get(self.url)
        return self.script("const t = performance.getEntriesByType("
                           "'navigation')[0]; return t.loadEventEnd")

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector):
        return self.find(selector).text

    def count(self, selector):
        return len(self.driver.find_elements(By.CSS_SELECTOR, selector))

    def hover(self, selector, x, y):
        """At a place in an element, in pixels from its middle."""
        element = self.find(selector)
        self.script("arguments[0].scrollIntoView({block: 'center'})", element)
        ActionChains(self.driver).move_to_element_with_offset(
            element, x, y).perform()

    def press(self, selector, key, times=1):
        element = self.find(selector)
        self.script("arguments[0].focus()", element)
        element.send_keys(getattr(Keys, key) * times)

    def screenshot(self, path):
        """Of the whole page."""
        height = self.script("return document.documentElement.scrollHeight")
        width = self.script("return window.innerWidth")
        self.size(width, min(height, 12000))
        self.driver.save_screenshot(path)

    def check_quiet(self):
        """Nothing on the console, and nothing was asked for but the page."""
        told = self.driver.get_log("browser")
        check(not told, f"on the console: {told}")
        asked = [message["params"]["request"]["url"]
                 for message in (json.loads(entry["message"])["message"]
                                 for entry in self.driver.get_log("performance"))
                 if message["method"] == "Network.requestWillBeSent"]
        check(asked == [self.url], f"asked for {asked}")

    def check_accessible(self, axe):
        """No fault that axe calls serious or worse. It is put in beside the
        page's policy."""
        self.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": axe})
        result = self.driver.execute_async_script(
            "const done = arguments[0]; axe.run().then(done)")
        bad = [(v["id"], [n["html"][:200] for n in v["nodes"][:3]],
                v["nodes"][0].get("failureSummary"))
               for v in result["violations"]
               if v["impact"] in ("serious", "critical")]
        check(not bad, f"axe finds {bad}")
        return len(result["passes"])
