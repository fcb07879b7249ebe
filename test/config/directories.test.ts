import { describe, expect, it, vi } from 'vitest'
import { dataDirectory } from '../../src/config/directories.ts'

const home = vi.hoisted(() => ({ of: (): string => '/home/somebody' }))
vi.mock('node:os', () => ({ homedir: () => home.of() }))

describe('dataDirectory()', () => {
  it('is where the environment says, else below the home of whoever this is', () => {
    expect(dataDirectory({ XDG_DATA_HOME: '/data', HOME: '/home/a' })).toBe('/data/git-signet')
    expect(dataDirectory({ XDG_DATA_HOME: 'data', HOME: '/home/a' })).toBe(
      '/home/a/.local/share/git-signet',
    )
    expect(dataDirectory({ HOME: '' })).toBe('/home/somebody/.local/share/git-signet')
  })

  it('is nowhere for a user without a home whom the system does not know', () => {
    home.of = () => {
      throw new Error('ENOENT: no such file or directory, uv_os_homedir')
    }
    expect(dataDirectory({})).toBe('/nonexistent/.local/share/git-signet')
  })
})
