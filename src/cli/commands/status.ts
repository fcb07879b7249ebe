import { EXIT, type ExitCode } from '../../errors.ts'
import { readGitConfig } from '../../git/config.ts'
import { defineCommand } from '../command.ts'
import { collectStatus } from '../status/collect.ts'
import { probeServices } from '../status/probe.ts'
import { renderStatus, renderStatusJson } from '../status/render.ts'
import type { Finding } from '../status/report.ts'

export const status = defineCommand({
  name: 'status',
  summary: 'Show what is in force, where it comes from, and the last failure',
  description: `Every setting with its source (secrets are never shown), the trust root and its age, the login that the next signature would use.

--check also contacts each service and looks at the clock; then the exit code is 2 when something has to be changed and 4 when a service did not answer.`,
  examples: ['git-signet status', 'git-signet status --check'],
  options: {
    check: { type: 'boolean', summary: 'also contact each service and look at the clock' },
    json: { type: 'boolean', summary: 'print one JSON document' },
  },
  async run(context, { options }) {
    const gitConfig = await readGitConfig({ cwd: context.cwd, env: context.env })
    const collected = await collectStatus(context, gitConfig)
    let { report } = collected
    if (options.check && collected.settings && collected.services) {
      const { services, findings } = await probeServices(
        collected.settings,
        collected.services,
        context,
      )
      report = { ...report, services, findings: [...report.findings, ...findings] }
    }
    context.streams.stdout.write(options.json ? renderStatusJson(report) : renderStatus(report))
    return options.check ? exitCodeOf(report.findings) : EXIT.ok
  },
})

function exitCodeOf(findings: readonly Finding[]): ExitCode {
  if (findings.some(({ kind }) => kind === 'configuration')) return EXIT.usage
  return findings.some(({ kind }) => kind === 'service') ? EXIT.unchecked : EXIT.ok
}
