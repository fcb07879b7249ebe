type Environment = Readonly<Record<string, string | undefined>>

/**
 * Whether opening a browser here would show it to the person who types: not over SSH, not on a machine
 * without a display.
 */
export function hasBrowser(env: Environment, platform: NodeJS.Platform): boolean {
  if (env['SSH_CONNECTION'] !== undefined || env['SSH_TTY'] !== undefined) {
    return Boolean(env['DISPLAY']) && Boolean(env['BROWSER'])
  }
  if (platform === 'darwin' || platform === 'win32') return true
  return (
    Boolean(env['DISPLAY']) || Boolean(env['WAYLAND_DISPLAY']) || Boolean(env['WSL_DISTRO_NAME'])
  )
}

/**
 * Splits `signet.urlOpener` into program and arguments as gitsign does: words, quotes and backslashes,
 * no shell; `{{.URL}}` stands for the address and must be there.
 *
 * @returns undefined where it is not such a command
 */
export function splitUrlOpener(command: string, url: string): string[] | undefined {
  if (/[\r\n]/.test(command) || !command.includes('{{.URL}}')) return undefined
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let at = 0; at < command.length; at += 1) {
    const character = command.charAt(at)
    if (quote !== '') {
      if (character === quote) quote = ''
      else word = (word ?? '') + character
    } else if (character === '"' || character === "'") {
      quote = character
      word ??= ''
    } else if (character === '\\' && at + 1 < command.length) {
      at += 1
      word = (word ?? '') + command.charAt(at)
    } else if (character === ' ' || character === '\t') {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + character
  }
  if (quote !== '') return undefined
  if (word !== undefined) words.push(word)
  const [program] = words
  if (program === undefined || program.includes('{{.URL}}')) return undefined
  return words.map((part) => part.replaceAll('{{.URL}}', url))
}
