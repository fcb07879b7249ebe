import { describe, expect, test } from 'vitest'
import { hasBrowser, splitUrlOpener } from '../../src/oidc/browser.ts'

describe('hasBrowser()', () => {
  test.each([
    [{}, 'darwin', true],
    [{}, 'win32', true],
    [{}, 'linux', false],
    [{ DISPLAY: ':0' }, 'linux', true],
    [{ WAYLAND_DISPLAY: 'wayland-0' }, 'linux', true],
    [{ WSL_DISTRO_NAME: 'Debian' }, 'linux', true],
    [{ SSH_CONNECTION: '1', DISPLAY: ':10' }, 'linux', false],
    [{ SSH_TTY: '/dev/pts/1' }, 'darwin', false],
    [{ SSH_CONNECTION: '1', DISPLAY: ':10', BROWSER: 'firefox' }, 'linux', true],
  ] as const)('%j on %s: %s', (env, platform, answer) => {
    expect(hasBrowser(env, platform)).toBe(answer)
  })
})

describe('splitUrlOpener()', () => {
  const url = 'https://issuer.example/?a=$(x)&b="c"'

  test.each([
    ['firefox {{.URL}}', ['firefox', url]],
    ['firefox --profile "My Work" {{.URL}}', ['firefox', '--profile', 'My Work', url]],
    ["'my browser' --app={{.URL}}", ['my browser', `--app=${url}`]],
    [String.raw`open -a Safari\ Beta {{.URL}}`, ['open', '-a', 'Safari Beta', url]],
    ["x '' {{.URL}}", ['x', '', url]],
  ])('splits %s without a shell', (command, words) => {
    expect(splitUrlOpener(command, url)).toEqual(words)
  })

  test.each(['firefox', '', '{{.URL}}', 'firefox "{{.URL}}', 'firefox\n{{.URL}}'])(
    'refuses "%s"',
    (command) => {
      expect(splitUrlOpener(command, url)).toBeUndefined()
    },
  )
})
