/** What the states of runs mean for what is shown and what can be done. */

/** Whether a run is being searched or judged. */
export const goesOn = (state) => ["starting", "running"].includes(state);

/** Kinds of events after which a process has nothing more to say, but for the verdict after `completed`. */
export const ENDINGS = ["stopped", "completed", "failed", "judged"];
