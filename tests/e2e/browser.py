"""A real Chromium without a window, for pages that lie on disk."""

import json
import os
import shutil

import migtest

DRIVER = "/usr/bin/chromedriver"
DESKTOP = (1200, 900)
PHONE = (390, 844)


def require():
    try:
        import selenium  # pylint: disable=unused-import,import-outside-toplevel
    except ImportError:
        migtest.skip("python3-selenium is not installed")
    if not os.path.exists(DRIVER) or not shutil.which("chromium"):
        migtest.skip("chromium and chromium-driver are not installed")


def axe_source():
    """None where it is not here."""
    path = migtest.fetched("axe.min.js")
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return file.read()


class Browser:
    """What it writes goes to `folder`. A phone has no bars to scroll with, and
    heeds the page's own idea of its width."""

    def __init__(self, folder, size=DESKTOP, dark=False):
        self.folder, self.size, self.dark = folder, size, dark
        self.axe = axe_source()
        self.url, self.said = None, []

    def __enter__(self):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
        options = webdriver.ChromeOptions()
        for word in ("--headless=new", "--no-sandbox", "--disable-gpu",
                     "--disable-dev-shm-usage",
                     f"--user-data-dir={self.folder}/profile"):
            options.add_argument(word)
        options.set_capability("goog:loggingPrefs",
                               {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(
            DRIVER, env={**os.environ, "HOME": self.folder,
                         "TMPDIR": self.folder}))
        try:
            self.resize(self.size[1])
            self.cdp("Emulation.setEmulatedMedia", features=[
                {"name": "prefers-color-scheme",
                 "value": "dark" if self.dark else "light"}])
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.driver.quit()
        shutil.rmtree(f"{self.folder}/profile", ignore_errors=True)

    def resize(self, height):
        # A window cannot be made as narrow as a phone.
        self.cdp("Emulation.setDeviceMetricsOverride", width=self.size[0],
                 height=height, deviceScaleFactor=1,
                 mobile=self.size == PHONE)

    def cdp(self, command, **arguments):
        return self.driver.execute_cdp_cmd(command, arguments)

    def open(self, path):
        """Until it is loaded; how long that took, in ms."""
        self.listen()
        self.url = "file://" + path
        self.driver.get(self.url)
        return self.js("const [page] = "
                       "performance.getEntriesByType('navigation');"
                       "return page.loadEventEnd || performance.now()")

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def find(self, selector):
        return self.driver.find_element("css selector", selector)

    def texts(self, selector):
        return [element.text for element in
                self.driver.find_elements("css selector", selector)]

    def point_at(self, element, x, y):
        """With the mouse, so far from the element's corner."""
        from selenium.webdriver.common.action_chains import ActionChains
        self.js("arguments[0].scrollIntoView({block: 'center'})", element)
        size = element.size
        ActionChains(self.driver).move_to_element_with_offset(
            element, int(x) - size["width"] // 2,
            int(y) - size["height"] // 2).perform()

    def press(self, element, *keys):
        from selenium.webdriver.common.keys import Keys
        element.send_keys(*(getattr(Keys, key) for key in keys))

    def picture(self, path):
        """Of the whole page."""
        self.resize(self.js("return document.documentElement.scrollHeight"))
        self.driver.save_screenshot(path)
        self.resize(self.size[1])

    def complaints(self):
        """What the consoles of all pages said, and every request but for a page
        itself."""
        self.listen()
        return self.said

    def listen(self):
        said = [entry["message"] for entry in self.driver.get_log("browser")]
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = message["params"]["request"]["url"]
                if url != self.url:
                    said.append(f"{self.url} asks for {url}")
        if self.url:  # else of the browser's own page
            self.said += said

    def faults(self):
        """Serious ones and worse: (rule, where); none where axe is not here."""
        if not self.axe:
            return []
        self.js(self.axe)
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run().then((found) => done(found.violations))")
        return [(fault["id"], [node["target"] for node in fault["nodes"]])
                for fault in found
                if fault["impact"] in ("serious", "critical")]
