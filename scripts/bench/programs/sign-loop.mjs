// Signs payloads one after the other with one login, and prints how many milliseconds one took.
//
//   sign-loop.mjs COUNT      (bundled first; services and token by the environment)
import { loadSettings } from '../../../src/config/settings.ts'
import { parseGitConfig } from '../../../src/git/config.ts'
import { openSigningSession } from '../../../src/signing/sign-payload.ts'

const count = Number(process.argv[2])
const { env } = process
const settings = loadSettings({ env, gitConfig: parseGitConfig('') })
const io = { env, clock: Date.now, isInteractive: false, say: () => undefined }
const session = await openSigningSession(settings, io)
const sign = (text) => session.sign(Buffer.from(`tree 0\n\n${text}\n`))
await sign('the certificate, and what is loaded once')
const started = process.hrtime.bigint()
for (let i = 0; i < count; i += 1) await sign(String(i))
process.stdout.write(`${Number(process.hrtime.bigint() - started) / 1e6 / count}\n`)
