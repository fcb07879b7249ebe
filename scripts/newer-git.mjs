// Fetches a git newer than the installed one, so that what git is told is tested with both: git
// decides trust differently from 2.41 on. It is a later Debian release's package with its C library,
// unpacked under .cache/git-newer (nothing is installed) and started through that library's loader.
// Best effort: where there is no Debian, no archive or no such package it says so and changes nothing.
//
//   node scripts/newer-git.mjs        prints the path of a `git` program, or why there is none
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SUITE = 'trixie'
const PACKAGES = ['git', 'libc6', 'libpcre2-8-0', 'zlib1g']
const home = join(dirname(fileURLToPath(import.meta.url)), '..', '.cache', 'git-newer')
const program = join(home, 'bin', 'git')

function run(command, args, options = {}) {
  return execFileSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000,
    ...options,
  })
}

/** The archive this system's own packages come from. */
function archive() {
  const files = ['/etc/apt/sources.list', ...list('/etc/apt/sources.list.d')].filter(existsSync)
  for (const text of files.map((file) => readFileSync(file, 'utf8'))) {
    const found = /^(?:URIs:|deb\s+(?:\[[^\]]*\]\s+)?)\s*(\S+\/debian)\/?(?:\s|$)/m.exec(text)
    if (found !== null) return found[1]
  }
  throw new Error('this system has no Debian archive configured')
}

function list(folder) {
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []
}

function fetchPackages() {
  const work = join(home, 'work')
  mkdirSync(join(work, 'lists', 'partial'), { recursive: true })
  mkdirSync(join(work, 'cache', 'archives', 'partial'), { recursive: true })
  const key = '/usr/share/keyrings/debian-archive-keyring.gpg'
  writeFileSync(join(work, 'sources.list'), `deb [signed-by=${key}] ${archive()} ${SUITE} main\n`)
  const options = [
    ['Dir::Etc::sourcelist', join(work, 'sources.list')],
    ['Dir::Etc::sourceparts', '/dev/null'],
    ['Dir::State::lists', join(work, 'lists')],
    ['Dir::Cache', join(work, 'cache')],
    ['APT::Sandbox::User', 'root'],
    ['Acquire::Retries', '0'],
    ['Acquire::http::Timeout', '15'],
  ].flatMap(([name, value]) => ['-o', `${name}=${value}`])
  run('apt-get', [...options, 'update'])
  run('apt-get', [...options, 'download', ...PACKAGES.map((name) => `${name}/${SUITE}`)], {
    cwd: work,
  })
  for (const file of list(work).filter((name) => name.endsWith('.deb'))) {
    run('dpkg-deb', ['-x', file, join(home, 'root')])
  }
  rmSync(work, { recursive: true })
}

function writePrograms() {
  const root = join(home, 'root')
  const libraries = list(join(root, 'usr', 'lib')).find((name) =>
    readdirSync(name).some((file) => file.startsWith('ld-linux')),
  )
  if (libraries === undefined) throw new Error('the C library package holds no loader')
  const loader = readdirSync(libraries).find((file) => file.startsWith('ld-linux'))
  mkdirSync(join(home, 'bin'), { recursive: true })
  // git starts `git` and `git-receive-pack` from its exec path: both must go through the loader.
  writeFileSync(
    program,
    `#!/bin/sh\nGIT_EXEC_PATH='${join(home, 'bin')}' exec '${join(libraries, loader)}' --library-path ` +
      `'${libraries}' --argv0 "$(basename "$0")" '${join(root, 'usr', 'bin', 'git')}' "$@"\n`,
  )
  chmodSync(program, 0o755)
  for (const name of ['git-receive-pack', 'git-upload-pack', 'git-upload-archive']) {
    symlinkSync('git', join(home, 'bin', name))
  }
}

try {
  if (!existsSync(program)) {
    rmSync(home, { recursive: true, force: true })
    fetchPackages()
    writePrograms()
  }
  const version = run(program, ['--version']).trim()
  process.stdout.write(`${program}\n${version}\n`)
} catch (error) {
  rmSync(home, { recursive: true, force: true })
  process.stdout.write(`no newer git: ${String(error.message).split('\n')[0]}\n`)
}
