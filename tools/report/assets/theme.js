"use strict";
/* Before anything is shown: as the reader's system has it, until the button
   says otherwise. */
(function () {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const follow = () => { root.dataset.theme = dark.matches ? "dark" : "light"; };
  follow();
  dark.addEventListener("change", () => {
    if (root.dataset.chosen) return;
    follow();
    document.dispatchEvent(new Event("themechange"));
  });
})();
