declare const __VERSION__: string | undefined;

/** The version of package.json, put in when the program is built. */
export const version: string = typeof __VERSION__ === "undefined" ? "0.0.0-source" : __VERSION__;
