/** A request to the control surface that makes no sense, and why. */
export class ControlError extends Error {}
