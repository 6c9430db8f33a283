"use strict";
// Everything works without this script; with it, findings appear as they come.
// What the server sends is made of its own templates, in which everything is escaped.
(() => {
  const list = document.querySelector("[data-live]");
  if (!list || !window.EventSource) return;
  const body = list.querySelector("tbody");
  const state = document.getElementById("live-state");
  const said = document.getElementById("live-said");
  const most = Number(list.dataset.most);
  const source = new EventSource(list.dataset.live);
  let waiting = [];
  let held = [];

  const place = (one) => {
    const holder = document.createElement("table");
    holder.innerHTML = one.html;
    const row = holder.querySelector("tr");
    const old = document.getElementById(row.id);
    // Whoever has just come is sent once more what the page shows already.
    if (old && old.isEqualNode(row)) return;
    if (old) old.remove();
    body.prepend(row);
    while (body.rows.length > most) body.rows[body.rows.length - 1].remove();
    list.hidden = false;
    const empty = document.getElementById("live-empty");
    if (empty) empty.remove();
  };
  // A row that goes away under somebody's hands takes the focus with it: what comes meanwhile waits until they leave.
  const isInUse = () => body.contains(document.activeElement);
  list.addEventListener("focusout", () => setTimeout(() => {
    if (!held.length || isInUse()) return;
    held.forEach(place);
    held = [];
    state.textContent = "live";
  }));
  // A screen reader is told once for many that come together.
  const tell = () => {
    if (!waiting.length) return;
    said.textContent = waiting.length === 1 ? `New finding. ${waiting[0]}` : `${waiting.length} new findings, the last: ${waiting[waiting.length - 1]}`;
    waiting = [];
  };
  source.addEventListener("open", () => { state.textContent = "live"; });
  source.addEventListener("error", () => { state.textContent = "connection lost, trying again"; });
  source.addEventListener("away", () => { state.textContent = "the store is away, trying again"; });
  source.addEventListener("finding", (event) => {
    const one = JSON.parse(event.data);
    state.textContent = "live";
    if (!document.getElementById(`f-${one.id}`)) waiting.push(one.said);
    if (!isInUse()) return place(one);
    held.push(one);
    state.textContent = "live, waiting until you leave the list";
  });
  setInterval(tell, 4000);
})();

// Pages that wait for something look again by themselves, but never while somebody is at a link or a field of them.
(() => {
  const waits = document.querySelector("[data-again]");
  if (!waits) return;
  setInterval(() => {
    const at = document.activeElement;
    if (!at || at === document.body || at.id === "content") location.reload();
  }, Number(waits.dataset.again) * 1000);
})();
