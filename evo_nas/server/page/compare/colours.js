/** The colours of compared runs, in their order. */
const NAMES = ["first", "second", "third", "fourth", "fifth"];

export const colourOf = (index) => NAMES[index % NAMES.length];

/** Runs beyond the colours there are have lines that are dashed. */
export const dashOf = (index) => (index < NAMES.length ? undefined : [6, 4]);
