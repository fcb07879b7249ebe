/** The same as in package.json and bin/git-signet.cjs (a test compares all three). */
export const VERSION = '0.1.0'
