/** Tabs as the ARIA practices describe them: arrow keys move, Home and End too; one tab stop for all. */

import { byId } from "./elements.js";

/**
 * @param {string[]} names the tabs are `tab-NAME`, the panels `panel-NAME`
 * @param {(name: string) => void} opened called when a tab is opened
 * @returns {(name: string) => void} opens a tab
 */
export function tabsOf(names, opened) {
  const open = (name) => {
    for (const other of names) {
      const tab = byId(`tab-${other}`);
      tab.setAttribute("aria-selected", String(other === name));
      tab.tabIndex = other === name ? 0 : -1;
      byId(`panel-${other}`).hidden = other !== name;
    }
    opened(name);
  };
  names.forEach((name, i) => {
    const tab = byId(`tab-${name}`);
    const steps = { ArrowRight: i + 1, ArrowLeft: i - 1 + names.length, Home: 0, End: names.length - 1 };
    tab.addEventListener("click", () => open(name));
    tab.addEventListener("keydown", (event) => {
      if (!(event.key in steps)) return;
      event.preventDefault();
      const next = names[steps[event.key] % names.length];
      byId(`tab-${next}`).focus();
      open(next);
    });
  });
  return open;
}
