/**
 * A daily schedule. A new alarm can be spared for two days, in which the first two runs tell an age: at any time of
 * day only where the next slot comes soon.
 */
export const soon = `0 ${(new Date().getUTCHours() + 2) % 24} * * *`;
