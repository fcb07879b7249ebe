/** What HFS+ leaves out of names when it compares them (git's utf8.c, next_hfs_char). */
const hfsIgnorable = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g

/**
 * A path as file systems may see it: NFC, full case folding, HFS-ignorable characters removed,
 * and the dots and spaces that end a name (Windows drops them). Two paths that any of these makes
 * equal fold to the same text; the reverse need not hold.
 */
export function foldPath(path: string): string {
  // Most paths are plain ASCII, for which all of it is lower case and name ends.
  const folded = /^[\u0000-\u007f]*$/.test(path) ? path.toLowerCase() : foldText(path)
  return folded.includes('.') || folded.includes(' ') || folded.endsWith('/')
    ? trimNames(folded)
    : folded
}

function trimNames(path: string): string {
  return path.split('/').map(trimName).join('/').replace(/\/$/, '')
}

function trimName(name: string): string {
  let end = name.length
  while (end > 0 && (name[end - 1] === '.' || name[end - 1] === ' ')) end--
  return name.slice(0, end)
}

/**
 * Full case folding (Unicode CaseFolding.txt, C and F) by way of upper case, which is a little
 * coarser (dotless i is i); capital sharp s gets there by way of the small one; the final sigma is a
 * matter of position and undone.
 */
function foldText(text: string): string {
  const bare = text.normalize('NFC').replace(hfsIgnorable, '')
  return bare
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .replaceAll('\u03c2', '\u03c3')
    .normalize('NFC')
}

export const POLICY_DIRECTORY = '.signet'
export const POLICY_FILE = '.signet/policy.toml'

/** A name that some file system takes for `.signet`, though it is another. */
export function isPolicyDirectoryTwin(name: string): boolean {
  return name !== POLICY_DIRECTORY && foldPath(name) === POLICY_DIRECTORY
}
