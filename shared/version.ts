/** Of the programs, as package.json has it. A bundle's `minAgent` is compared with it. */
export const VERSION = "0.1.0";
