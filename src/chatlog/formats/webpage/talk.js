"use strict";
(() => {
  const button = (label, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = label;
    made.addEventListener("click", () => act(made));
    return made;
  };
  for (const block of document.querySelectorAll("pre")) {
    const holder = document.createElement("div");
    holder.className = "copyable";
    block.replaceWith(holder);
    holder.append(block, button("Copy", async (made) => {
      await navigator.clipboard.writeText(block.textContent);
      made.textContent = "Copied";
      setTimeout(() => { made.textContent = "Copy"; }, 1500);
    }));
  }
  const folds = [...document.querySelectorAll("details")];
  if (folds.length) {
    const bar = document.createElement("div");
    bar.className = "tools";
    bar.append(button("Unfold all", (made) => {
      const open = made.textContent === "Unfold all";
      for (const fold of folds) fold.open = open;
      made.textContent = open ? "Fold all" : "Unfold all";
    }));
    document.querySelector("header.title").append(bar);
  }
  const unfold = () => {
    let at = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let up = at; up; up = up.parentElement) if (up.tagName === "DETAILS") up.open = true;
    if (at) at.scrollIntoView();
  };
  addEventListener("hashchange", unfold);
  if (location.hash) unfold();
})();
