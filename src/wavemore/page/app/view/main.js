/** The page begins; its worker has begun already. */

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

/** What the packed model says about itself, before the worker has opened it. @param {any} header */
function aboutOf(header) {
  return {
    ...header.about,
    characters: header.characters,
    labels: header.labels?.kinds ?? [],
    knowsList: Boolean(header.seen),
    networks: header.networks.length,
    ngramShare: header.networks.length && header.ngram ? header.ngram.weight : 0,
  };
}

/** Tell what the model is, in the head and the foot of the page. @param {any} about */
function introduce(about) {
  const held = about.strings > about.trainedOn ? " of a list; the others were held out, to measure it" : "";
  const of = held ? ` of the ${whole(about.strings)} strings` : about.trainedOn === 1 ? " string" : " strings";
  const learned = about.trainedOn
    ? `A model learned from ${whole(about.trainedOn)}${of}${held}`
    : "A model learned from a list";
  byId("what").textContent =
    `${learned}. It makes new ones like them, and tells how well any string fits. All of it is in this page: nothing is sent anywhere.`;
  const loss = about.loss?.validation;
  const facts = [about.kind, about.parameters ? `${whole(about.parameters)} parameters` : null];
  if (Number.isFinite(loss)) facts.push(`loss on held-out strings ${loss.toFixed(4)} nats a character`);
  const rounded = about.networks ? "Its weights are rounded to 16 bits in this page. " : ""; // n-grams are exact
  byId("about").textContent =
    `The model: ${facts.filter(Boolean).join(", ")}. ${rounded}Made by wavemore${about.version ? ` ${about.version}` : ""}.`;
}

async function begin() {
  const link = new WorkerLink();
  link.start();
  const about = aboutOf(link.header);
  const page = {
    link,
    label: () => chosenLabel(byId("form-labels")),
    about,
    known: new Set(about.characters),
    name: () => about.list ?? "strings",
    firstCame: () => byId("panel-look").hidden || look.begun || look.opened(),
    examples: () => make.made.map((one) => one.string).filter((string) => string !== ""),
  };
  page.keeping = new KeptStrings(page, about);
  byId("conditions").open = matchMedia("(min-width: 60rem)").matches;
  introduce(about);
  offerLabels(about.labels, byId("form-labels"), () => {});
  const make = new MakeTab(page);
  make.make(); // asked at once; the answer comes when the worker has opened the model
  const check = new CheckTab(page);
  const look = new LookTab(page);
  check.learned(about);
  look.learned(about);
  tabsOf(["make", "check", "look"], (name) => name === "look" && look.opened());
  await link.ready;
}

begin().catch((error) => troubled(`The page does not work here: ${error.message}.`));
