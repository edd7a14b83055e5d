"use strict";
(() => {
  const make = (name, given) => Object.assign(document.createElement(name), given);
  const button = (label, act) => {
    const made = make("button", { type: "button", textContent: label });
    made.addEventListener("click", () => act(made));
    return made;
  };
  if (navigator.clipboard) for (const block of document.querySelectorAll("pre")) {
    const holder = make("div", { className: "copyable" });
    block.replaceWith(holder);
    holder.append(block, button("Copy", async (made) => {
      await navigator.clipboard.writeText(block.textContent);
      made.textContent = "Copied";
      setTimeout(() => { made.textContent = "Copy"; }, 1500);
    }));
  }
  const folds = [...document.querySelectorAll("details")];
  if (folds.length) {
    const bar = make("div", { className: "tools" });
    bar.append(button("Unfold all", (made) => {
      const open = made.textContent === "Unfold all";
      for (const fold of folds) fold.open = open;
      made.textContent = open ? "Fold all" : "Unfold all";
    }));
    document.querySelector("header.title").append(bar);
  }
  for (const talk of document.querySelectorAll(".conversation")) {
    const asked = talk.querySelectorAll(":scope > article.user");
    if (asked.length < 5) continue;
    const list = make("ol");
    const contents = make("details", { className: "tools contents" });
    contents.append(make("summary", { textContent: "Contents" }), list);
    contents.addEventListener("toggle", () => {
      for (const each of asked) {
        const words = each.querySelector(".said").textContent.trim().slice(0, 120);
        const entry = make("li");
        entry.append(make("a", { href: "#" + each.id, dir: "auto", textContent: words }));
        list.append(entry);
      }
    }, { once: true });
    talk.querySelector("header.title").append(contents);
  }
  const unfold = () => {
    const at = document.getElementById(location.hash.slice(1));
    for (let up = at; up; up = up.parentElement) if (up.tagName === "DETAILS") up.open = true;
    if (at) at.scrollIntoView();
  };
  addEventListener("hashchange", unfold);
  if (location.hash) unfold();
})();
