/** The page begins: the worker first, then the rest, so that strings are there at once. */

import { CheckTab } from "./check_tab.js";
import { byId } from "./elements.js";
import { KeptStrings } from "./keeping.js";
import { LookTab } from "./look_tab.js";
import { MakeTab } from "./make_tab.js";
import { counted, whole } from "./numbers.js";
import { tabsOf } from "./tabs.js";
import { chosenLabel, offerLabels } from "./wish_form.js";
import { WorkerLink } from "./worker_link.js";

/** @param {string} sentence */
function troubled(sentence) {
  byId("trouble").textContent = sentence;
  byId("trouble").hidden = false;
}

/** Tell what the model is, in the head and the foot of the page. @param {any} about */
function introduce(about) {
  const learned = about.trainedOn
    ? `A model learned from ${counted(about.trainedOn, "string")}`
    : "A model learned from a list";
  byId("what").textContent =
    `${learned}. It makes new ones like them, and tells how well any string fits. All of it is in this page: nothing is sent anywhere.`;
  const loss = about.loss?.validation;
  const facts = [about.kind, about.parameters ? `${whole(about.parameters)} parameters` : null];
  if (Number.isFinite(loss)) facts.push(`loss on held-out strings ${loss.toFixed(4)} nats a character`);
  const rounded = about.levels.length ? "Its weights are rounded to 16 bits in this page. " : ""; // n-grams are exact
  byId("about").textContent =
    `The model: ${facts.filter(Boolean).join(", ")}. ${rounded}Made by wavemore${about.version ? ` ${about.version}` : ""}.`;
}

async function begin() {
  const link = new WorkerLink();
  link.start().catch((error) => link.failed(error.message));
  const page = {
    link,
    label: () => chosenLabel(byId("form-labels")),
    about: {},
    name: () => page.about.list ?? "strings",
  };
  byId("conditions").open = matchMedia("(min-width: 60rem)").matches;
  const make = new MakeTab(page);
  make.make(); // asked at once; the answer comes after what the model says about itself
  const about = await link.ready;
  page.about = about;
  page.keeping = new KeptStrings(page, about);
  offerLabels(about.labels ?? [], byId("form-labels"), () => {});
  page.examples = () => make.made.map((one) => one.string).filter((string) => string !== "");
  make.settle();
  introduce(about);
  const check = new CheckTab(page);
  const look = new LookTab(page);
  check.learned(about);
  look.learned(about);
  tabsOf(["make", "check", "look"], (name) => name === "look" && look.opened());
}

begin().catch((error) => troubled(`The page does not work here: ${error.message}.`));
