import { describe, expect, test } from 'vitest'
import { describeSetting, loadSettings, readSetting } from '../../src/config/settings.ts'
import { parseGitConfig } from '../../src/git/config.ts'

function sources(
  env: Record<string, string> = {},
  config: readonly string[] = [],
  flags: Record<string, string> = {},
) {
  const text = config.map((entry) => `${entry.replace('=', '\n')}\0`).join('')
  return { env, gitConfig: parseGitConfig(text), flags }
}

describe('readSetting()', () => {
  test('takes the strongest source, and says which', () => {
    const env = { SIGSTORE_REKOR_URL: 'http://c', GITSIGN_REKOR_URL: 'http://b' }
    const config = ['gitsign.rekor=http://e', 'signet.rekor=http://d']
    const strongest = (given: Record<string, string>, flags = {}) =>
      readSetting('rekor', sources(given, config, flags))
    expect(strongest({ ...env, SIGNET_REKOR_URL: 'http://a' }, { rekor: 'http://f' })).toEqual({
      value: 'http://f',
      source: { kind: 'flag', name: '--rekor' },
    })
    expect(strongest({ ...env, SIGNET_REKOR_URL: 'http://a' }).source.name).toBe('SIGNET_REKOR_URL')
    expect(strongest(env).source.name).toBe('GITSIGN_REKOR_URL')
    expect(strongest({ SIGSTORE_REKOR_URL: 'http://c' }).source.name).toBe('SIGSTORE_REKOR_URL')
    expect(strongest({})).toEqual({
      value: 'http://d',
      source: { kind: 'git', name: 'signet.rekor' },
    })
    expect(readSetting('rekor', sources({}, ['gitsign.rekor=http://e'])).value).toBe('http://e')
    expect(readSetting('rekor', sources())).toEqual({
      value: 'https://rekor.sigstore.dev',
      source: { kind: 'default', name: '' },
    })
  })

  test('an empty value asks for the default, whatever weaker sources say', () => {
    const given = sources({ GITSIGN_FULCIO_URL: '' }, ['signet.fulcio=http://d'])
    expect(readSetting('fulcio', given).value).toBe('https://fulcio.sigstore.dev')
  })

  test('variables with one prefix are not read with another', () => {
    expect(readSetting('urlOpener', sources({ SIGSTORE_URL_OPENER: 'x' })).value).toBeUndefined()
    expect(readSetting('identity', sources({ GITSIGN_IDENTITY: 'x' })).value).toBeUndefined()
    expect(readSetting('idToken', sources({ SIGSTORE_ID_TOKEN: 'x' })).value).toBe('x')
    expect(readSetting('identity', sources({}, ['gitsign.identity=x'])).value).toBeUndefined()
  })

  test.each([
    ['autoclose', true],
    ['autoclose=yes', true],
    ['autoclose=ON', true],
    ['autoclose=1k', true],
    ['autoclose=no', false],
    ['autoclose=', false],
    ['autoclose=0', false],
  ])('reads booleans as git does: signet.%s', (entry, value) => {
    expect(readSetting('autoclose', sources({}, [`signet.${entry}`])).value).toBe(value)
  })

  test('matchCommitter is a git boolean or warn', () => {
    const read = (config: string[]) => readSetting('matchCommitter', sources({}, config)).value
    expect(read([])).toBe('warn')
    expect(read(['gitsign.matchcommitter=true'])).toBe(true)
    expect(read(['signet.matchcommitter'])).toBe(true)
    expect(read(['signet.matchcommitter=off'])).toBe(false)
  })

  test('paths may begin at home, keys with a subsection are read', () => {
    const env = { HOME: '/home/alice', SIGNET_TOKEN_FILE: '~/token' }
    expect(readSetting('tokenFile', sources(env)).value).toBe('/home/alice/token')
    expect(readSetting('hookFormat', sources({}, ['signet.hook.format=json'])).value).toBe('json')
  })

  test.each([
    [{ SIGNET_REKOR_VERSION: '3' }, [], 'cannot use SIGNET_REKOR_VERSION: "3" is not 1 or 2'],
    [{}, ['signet.timeout=soon'], 'signet.timeout (git configuration): "soon" is not a number'],
    [{}, ['gitsign.fulcio=ftp://x'], 'gitsign.fulcio (git configuration): it is not an http'],
    [{}, ['signet.identity'], 'signet.identity (git configuration): it has no value'],
    [{}, ['signet.autoclose=perhaps'], '"perhaps" is not true or false'],
  ])('what is invalid names its key and source: %j %j', (env, config, says) => {
    expect(() => loadSettings(sources(env, config))).toThrow(
      expect.objectContaining({
        code: 'SETTING_INVALID',
        exit: 2,
        message: expect.stringContaining(says),
      }),
    )
  })
})

describe('describeSetting()', () => {
  test('shows no secret', () => {
    const settings = loadSettings(
      sources({ SIGNET_ID_TOKEN: 'eyJ0', SIGNET_REKOR_URL: 'https://me:secret@log.example/' }),
    )
    expect(describeSetting('idToken', settings.idToken)).toBe('(set, not shown)')
    expect(describeSetting('rekor', settings.rekor)).not.toContain('secret')
    expect(describeSetting('tokenFile', settings.tokenFile)).toBe('(none)')
    expect(describeSetting('clientId', settings.clientId)).toBe('sigstore')
  })
})
