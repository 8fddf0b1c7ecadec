// Small habits of every page. Listeners hang on the document, so that swapped pieces have them too.
(function () {
  "use strict";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const byId = (id) => document.getElementById(id);

  function showTheme() {
    root.dataset.bsTheme = localStorage.getItem("theme") || (system.matches ? "dark" : "light");
  }
  function switchTheme() {
    const next = root.dataset.bsTheme === "dark" ? "light" : "dark";
    if ((next === "dark") === system.matches) localStorage.removeItem("theme");
    else localStorage.setItem("theme", next);
    showTheme();
  }
  showTheme();
  system.addEventListener("change", showTheme);

  function tick() {
    const clock = byId("clock");
    if (!clock) return;
    const now = new Date().toISOString();
    clock.dateTime = now;
    clock.textContent = now.slice(11, 19) + " UTC";
  }

  async function copy(button) {
    const text = button.dataset.copy;
    let copied = true;
    // Pages over plain http have no clipboard, and a browser may refuse it.
    try { await navigator.clipboard.writeText(text); } catch { copied = copyBySelection(text); }
    byId("announce").textContent = copied ? "Copied" : "Could not copy";
    button.classList.toggle("is-copied", copied);
    setTimeout(() => { button.classList.remove("is-copied"); byId("announce").textContent = ""; }, 1500);
  }
  function copyBySelection(text) {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  }

  function ask(button, question) {
    const dialog = byId("confirm");
    byId("confirm-text").textContent = question.value;
    byId("confirm-no").textContent = button.form.elements.question_no.value;
    byId("confirm-yes").textContent = button.textContent.trim() || "Go on";
    dialog.returnValue = "no";
    dialog.addEventListener("close", () => {
      if (dialog.returnValue !== "yes") return;
      // What refreshes itself may have been swapped meanwhile; its button comes back with the same id.
      const now = button.isConnected ? button : byId(button.id);
      if (!now) return;
      const asked = now.form.elements.question;
      if (asked) asked.disabled = true; // what is disabled is not sent
      now.click();
      if (asked) asked.disabled = false;
    }, { once: true });
    dialog.showModal();
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    const question = button && button.type === "submit" && button.form && button.form.elements.question;
    if (!question || question.disabled) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    ask(button, question);
  }, true);

  // A piece that refreshes itself between the press and the release of a button in it would swallow the click. What it
  // has missed comes with its next look.
  let pressed = null;
  const release = () => { pressed = null; };
  document.addEventListener("pointerdown", (event) => { pressed = event.button ? null : event.target; }, true);
  document.addEventListener("keydown", (event) => { if (event.key === " ") pressed = event.target; }, true);
  for (const end of ["pointerup", "pointercancel", "keyup", "contextmenu", "dragend"]) {
    document.addEventListener(end, release, true);
  }
  window.addEventListener("blur", release);
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { requestConfig, target } = event.detail;
    const triggers = requestConfig.elt.getAttribute("hx-trigger") || "";
    const comesAgain = triggers.includes("every ") && !requestConfig.triggeringEvent;
    if (comesAgain && pressed && target.contains(pressed)) event.detail.shouldSwap = false;
  });

  document.addEventListener("click", (event) => {
    const inside = event.target.closest("details.menu");
    for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== inside) menu.open = false;
    const button = event.target.closest("button");
    if (!button) return;
    if (button.id === "theme") switchTheme();
    if (button.dataset.copy !== undefined) copy(button);
    if (button.dataset.dismiss !== undefined) button.closest(".notice").remove();
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && event.target.closest("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  document.addEventListener("mouseover", (event) => {
    const time = event.target.closest("time[datetime]");
    if (!time) return;
    const local = new Date(time.dateTime).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
    time.title = time.dateTime.slice(0, 19).replace("T", " ") + " UTC\n" + local;
  });
  // A file that will be refused for its size need not be sent first.
  document.addEventListener("change", (event) => {
    const box = event.target.closest("[data-most-bytes]");
    if (!box) return;
    box.setCustomValidity(box.files[0]?.size > Number(box.dataset.mostBytes) ? box.dataset.tooLarge : "");
    box.reportValidity();
  });
  document.addEventListener("htmx:sendError", () => {
    byId("flash").textContent = "The hub does not answer. Look at your network, then try again.";
  });
  document.addEventListener("DOMContentLoaded", () => { tick(); setInterval(tick, 1000); });
})();
