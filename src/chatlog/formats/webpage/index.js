"use strict";
(() => {
  const form = document.getElementById("search");
  const field = document.getElementById("query");
  const source = document.getElementById("source");
  const count = document.getElementById("count");
  const rows = [...document.querySelectorAll("li.row")];
  const folded = JSON.parse(document.getElementById("folded").textContent);
  const plain = (text) => text.normalize("NFKD").replace(/[^\0-\x7f]/g, (char) => folded[char] ?? char)
    .replace(/\p{M}/gu, "").toLowerCase();
  const words = JSON.parse(document.getElementById("words").textContent);
  const hay = rows.map((row) => " " + plain(row.textContent).replace(/[^\p{L}\p{N}_]+/gu, " ")
    + " " + words[Number(row.dataset.n)] + " ");
  const unspaced = /[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]/;
  const parted = (text) => text.split(/[^\p{L}\p{M}\p{N}_]+/u).filter(Boolean);
  const show = () => {
    const terms = parted(plain(field.value)).map((term) => (unspaced.test(term) ? term : " " + term));
    const place = parted(field.value).map((term) => "text=" + encodeURIComponent(term)).join("&");
    const from = source ? source.value : "";
    let shown = 0;
    rows.forEach((row, at) => {
      const fits = (!from || row.dataset.source === from) && terms.every((term) => hay[at].includes(term));
      row.hidden = !fits;
      if (!fits) return;
      shown += 1;
      row.querySelector("a").hash = place && ":~:" + place;
    });
    for (const group of document.querySelectorAll("section.month")) {
      group.hidden = !group.querySelector("li.row:not([hidden])");
    }
    count.textContent = shown === rows.length ? "" : shown ? shown + " of " + rows.length : "Nothing found";
    const query = field.value ? "#q=" + encodeURIComponent(field.value) : "#";
    if (location.hash !== query && (field.value || location.hash)) history.replaceState(null, "", query);
  };
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  field.addEventListener("input", show);
  if (source) source.addEventListener("change", show);
  addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== field) { event.preventDefault(); field.focus(); }
  });
  const read = () => {
    field.value = new URLSearchParams(location.hash.slice(1)).get("q") || "";
    show();
  };
  addEventListener("hashchange", read);
  addEventListener("pageshow", read);  // not before: a browser that comes back chooses the source again until then
})();
