import { EXIT } from '../../errors.ts'
import { defineCommand } from '../command.ts'
import { VERSION } from '../version.ts'

export const version = defineCommand({
  name: 'version',
  summary: 'Print the version',
  options: {},
  run(context) {
    context.streams.stdout.write(`git-signet ${VERSION}\n`)
    return Promise.resolve(EXIT.ok)
  },
})
