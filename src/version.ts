declare const __VERSION__: string | undefined;
declare const __SOURCES__: string | undefined;

/** The version of package.json, put in when the program is built. */
export const version: string = typeof __VERSION__ === "undefined" ? "0.0.0-source" : __VERSION__;

/** Stands for all that the program was made of, so that it tells two builds of one version apart; absent in the sources. */
export const build: string | undefined = typeof __SOURCES__ === "undefined" ? undefined : __SOURCES__;
