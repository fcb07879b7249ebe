import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: dirname(dirname(fileURLToPath(import.meta.url))),
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['scripts/build-if-stale.mjs'],
    // Real git, openssl and a local stack on two shared cores: slow is not broken.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // What a developer has configured must not decide what a test sees.
    env: {
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_TERMINAL_PROMPT: '0',
      LC_ALL: 'C.UTF-8',
      NODE_EXTRA_CA_CERTS: '',
      NO_COLOR: '1',
      TZ: 'UTC',
    },
  },
})
