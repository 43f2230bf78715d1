(() => {
"use strict";
// Everything here is an extra: the page says the same without it, but for what happens after it was loaded.
const EVERY = 5000, PATIENCE = 10000, SOON = 1000;
const byId = (id) => document.getElementById(id);

// How far the server's clock is ahead of this one, as the header Date tells.
let ahead = 0;
const now = () => Date.now() / 1000 + ahead;

const spoken = (seconds) => {
  const s = Math.max(0, Math.round(seconds));
  if (s < 120) return s + " s";
  if (s < 7200) return Math.round(s / 60) + " min";
  if (s < 172800) return Math.round(s / 3600) + " h";
  return Math.round(s / 86400) + " d";
};
const clock = (date) => date.toLocaleTimeString();
const wordings = {
  at: (at, date) => clock(date),
  ago: (at) => (now() - at < 1 ? "just now" : spoken(now() - at) + " ago"),
  since: (at, date) => (now() - at < 72000 ? clock(date) : date.toLocaleString()) + " (" + spoken(now() - at) + ")",
  end: (at, date) => clock(date) + (at > now() ? " (in " + spoken(at - now()) + ")" : ""),
  until: (at) => "for " + spoken(at - now()),
};
const tick = () => {
  for (const time of document.querySelectorAll("time[data-at]")) {
    const at = Number(time.dataset.at), date = new Date(at * 1000);
    const text = (wordings[time.dataset.as] || wordings.at)(at, date);
    if (time.textContent !== text) time.textContent = text;
    if (!time.title) time.title = date.toLocaleString();
    // What isn't fresh any more has nothing to say about it.
    if (time.dataset.as === "until") time.closest("div").hidden = at <= now();
  }
};

// Changes one tree into another and leaves alone what is the same: what has the focus, is selected or unfolded stays so.
const KEPT = new Set(["open", "title"]);
const morph = (old, fresh) => {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || key(old) !== key(fresh)) {
    old.replaceWith(document.importNode(fresh, true));
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name, value } of [...fresh.attributes]) {
    if (old.getAttribute(name) !== value && !(name === "title" && old.nodeName === "TIME")) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !KEPT.has(name)) old.removeAttribute(name);
  }
  children(old, fresh);
};
const key = (node) => (node.dataset ? node.dataset.key : undefined);
const children = (old, fresh) => {
  const keyed = new Map([...old.children].filter(key).map((child) => [key(child), child]));
  let place = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const known = key(wanted) === undefined ? undefined : keyed.get(key(wanted));
    if (known && known !== place) {
      old.insertBefore(known, place);
      morph(known, wanted);
    } else if (!place) {
      old.appendChild(document.importNode(wanted, true));
    } else if (key(wanted) !== undefined && !known) {
      old.insertBefore(document.importNode(wanted, true), place);
    } else {
      const next = place.nextSibling;
      morph(place, wanted);
      place = next;
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
};

const status = () => {
  const verdict = byId("verdict"), link = byId("link"), pause = byId("pause");
  let paused = false, timer = 0, asking = null, lost = null;

  const say = (text, state) => {
    document.documentElement.dataset.link = state;
    if (link.textContent !== text) link.textContent = text;
  };
  const later = (wait) => {
    clearTimeout(timer);
    if (!paused && !document.hidden) timer = setTimeout(refresh, wait);
  };
  const statuses = () => new Map([...document.querySelectorAll(".check")].map((row) =>
    [row.dataset.key, row.querySelector(".status").textContent.trim().split(/\s+/).pop()]));
  const show = (fresh) => {
    const before = statuses(), headline = byId("headline").textContent;
    const focused = document.activeElement;
    for (const id of ["service", "verdict", "notes", "filters", "checks", "sections"]) {
      const old = byId(id), wanted = fresh.getElementById(id);
      if (old && wanted) morph(old, wanted);
    }
    // A row that moves loses the focus.
    if (focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
    document.title = fresh.title;
    byId("icon").href = fresh.getElementById("icon").getAttribute("href");
    tick();
    const changed = [...statuses()].filter(([name, now]) => before.has(name) && before.get(name) !== now);
    if (changed.length || byId("headline").textContent !== headline) {
      const named = changed.slice(0, 3).map(([name, now]) => name + ": " + now).join(", ");
      byId("said").textContent = byId("headline").textContent + (named ? ". " + named : "");
    }
  };
  const refresh = async () => {
    if (asking) asking.abort();
    const mine = asking = new AbortController();
    const limit = setTimeout(() => mine.abort(), PATIENCE);
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store", signal: mine.signal });
      const text = await answer.text();
      const fresh = new DOMParser().parseFromString(text, "text/html");
      if (!fresh.getElementById("verdict") || !fresh.getElementById("checks")) throw new Error("answered " + answer.status);
      const date = Date.parse(answer.headers.get("date"));
      if (date) ahead = Math.abs(date - Date.now()) < 2000 ? 0 : (date - Date.now()) / 1000;
      show(fresh);
      lost = null;
      if (!paused) say("Live", "live");
    } catch (problem) {
      if (mine !== asking) return;
      lost = lost || new Date();
      const why = /^answered/.test(problem.message) ? "The server " + problem.message : "Lost the server";
      if (!document.title.startsWith("? ")) document.title = "? " + document.title;
      say(why + " at " + clock(lost) + ". What you see is older. Trying again.", "lost");
    } finally {
      clearTimeout(limit);
      if (mine === asking) later(lost ? SOON : EVERY);
    }
  };

  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    if (paused) {
      clearTimeout(timer);
      if (asking) { const old = asking; asking = null; old.abort(); }
      say("Paused", "paused");
    } else refresh();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) clearTimeout(timer);
    else if (!paused) refresh();
  });
  // A tag is a link; here it changes the page in its place, so that the other filter stays as it is.
  document.addEventListener("click", (event) => {
    const tag = event.target.closest && event.target.closest("a.tag");
    if (!tag || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button) return;
    event.preventDefault();
    history.pushState(null, "", tag.href);
    refresh();
  });
  addEventListener("popstate", refresh);
  say("Live", "live");
  byId("live").hidden = false;
  later(EVERY);
};

const environment = () => {
  const find = byId("find"), fields = [...document.querySelectorAll(".field, .items > li")];
  const texts = new Map(fields.map((field) => [field, field.textContent.toLowerCase()]));
  const names = new Map([...document.querySelectorAll(".section")].map((one) => [one, one.querySelector("h2").textContent.toLowerCase()]));
  find.addEventListener("input", () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const has = (text) => words.every((word) => text.includes(word));
    let any = false;
    for (const [section, name] of names) {
      const whole = has(name);
      let some = whole || (!section.querySelector(".field, .items") && has(section.textContent.toLowerCase()));
      for (const field of section.querySelectorAll(".field, .items > li")) {
        // What stands below a name that matches is wanted, too.
        const parent = field.parentElement.closest(".field");
        const named = parent && !parent.hidden && has((parent.querySelector("dt") || parent).textContent.toLowerCase());
        field.hidden = !(whole || named || has(texts.get(field)));
        some = some || !field.hidden;
      }
      section.hidden = !some;
      any = any || some;
    }
    byId("none").hidden = any;
    const left = [...names.keys()].filter((section) => !section.hidden).length;
    byId("said").textContent = words.length ? left + " of " + names.size + " sections have a match" : "";
  });
  byId("search").hidden = false;
  addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== find && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      find.focus();
    }
  });
};

tick();
setInterval(tick, 1000);
if (byId("verdict")) status();
if (byId("find")) environment();
})();
