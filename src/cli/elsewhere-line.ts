/** One line on who prunes where it is not the job's own run, for the end of the table of retention. */
export function elsewhereLine(beyond: number, planned: boolean): string {
  const what = beyond === 0 ? "nothing is beyond retention" : `${pointsOf(beyond)} beyond retention`;
  return `Pruned by another role (prune: elsewhere): ${what}${planned ? " now" : ""}.`;
}

function pointsOf(count: number): string {
  return count === 1 ? "1 point is" : `${count} points are`;
}
