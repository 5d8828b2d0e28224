/** What the states of runs mean for what is shown and what can be done. */

/** Whether a run is being searched or judged. */
export const goesOn = (state) => ["starting", "running"].includes(state);
