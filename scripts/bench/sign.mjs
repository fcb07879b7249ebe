// What signing costs against loopback services: start-sign (without an agent) and stack.
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { benchEnvironment, interleave } from '../bench.mjs'
import { bundled } from './programs/bundle.mjs'

const program = fileURLToPath(new URL('../../bin/git-signet.cjs', import.meta.url))
const payload =
  'tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\ncommitter A <alice@example.com> 0 +0000\n\nhello\n'
const cycles = 200

export async function measure({ runs }) {
  const home = mkdtempSync(join(tmpdir(), 'git-signet-bench-'))
  const env = benchEnvironment({ HOME: home })
  const stack = join(home, 'stack')
  const signet = (...args) =>
    execFileSync(process.execPath, [program, ...args], { env, encoding: 'utf8' })
  let proxy
  try {
    signet('stack', 'up', '--test', '--dir', stack)
    const lines = signet('stack', 'env', '--dir', stack).matchAll(/^export (\w+)='(.*)'$/gm)
    const local = Object.fromEntries([...lines].map(([, name, value]) => [name, value]))
    // The plain case: the log's time alone.
    delete local.SIGNET_TIMESTAMP_SERVER_URL
    const url = local.SIGNET_REKOR_URL
    const token = async () => (await fetch(`${url}/test-token?email=alice@example.com`)).text()
    proxy = await timingProxy(url)
    const through = { ...local, SIGNET_FULCIO_URL: proxy.url, SIGNET_REKOR_URL: proxy.url }
    const sign = async () => {
      const child = { ...env, ...through, SIGNET_ID_TOKEN: await token() }
      proxy.servicesMs = 0
      const wallMs = await timeChild([program, '--status-fd=2', '-bsau', 'key'], child)
      return wallMs - proxy.servicesMs
    }
    const empty = () => timeChild(['-e', '0'], env)
    const medians = await interleave({ sign, empty }, runs)

    const loop = await bundled('sign-loop')
    const cycleMs = Number(
      execFileSync(process.execPath, [loop, String(cycles)], {
        env: { ...env, ...local, SIGNET_ID_TOKEN: await token() },
      }),
    )
    return [
      {
        id: 'start-sign',
        ratio: medians.sign / medians.empty,
        budget: 2.6,
        detail: `without an agent, the services' time taken off; ${medians.sign.toFixed(1)} ms, empty node ${medians.empty.toFixed(1)} ms`,
      },
      {
        id: 'stack',
        ratio: 1000 / cycleMs,
        atLeast: 100,
        detail: 'signed and logged a second, by one client',
      },
    ]
  } finally {
    proxy?.close()
    signet('stack', 'down', '--dir', stack)
    rmSync(home, { recursive: true, force: true })
  }
}

/** Not spawnSync: the proxy answers from this process. */
function timeChild(args, env) {
  const started = process.hrtime.bigint()
  const child = spawn(process.execPath, args, { env, stdio: ['pipe', 'ignore', 'pipe'] })
  let words = ''
  child.stderr.on('data', (chunk) => {
    words += chunk
  })
  child.stdin.on('error', () => undefined)
  child.stdin.end(payload)
  return new Promise((resolve, reject) => {
    child.on('exit', (code) => {
      if (code === 0) resolve(Number(process.hrtime.bigint() - started) / 1e6)
      else reject(new Error(words))
    })
  })
}

/** Passes requests on; adds up how long each took from its last byte to the answer's last. */
async function timingProxy(target) {
  const proxy = { servicesMs: 0 }
  const server = createServer(async (incoming, outgoing) => {
    const body = []
    for await (const chunk of incoming) body.push(chunk)
    const started = process.hrtime.bigint()
    const onward = request(`${target}${incoming.url}`, {
      method: incoming.method,
      headers: incoming.headers,
    })
    onward.on('response', (answer) => {
      outgoing.writeHead(answer.statusCode, answer.headers)
      answer.pipe(outgoing)
      answer.on('end', () => {
        proxy.servicesMs += Number(process.hrtime.bigint() - started) / 1e6
      })
    })
    onward.end(Buffer.concat(body))
  })
  await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  proxy.url = `http://127.0.0.1:${server.address().port}`
  proxy.close = () => {
    server.closeAllConnections()
    server.close()
  }
  return proxy
}
