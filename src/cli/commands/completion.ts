import { EXIT } from '../../errors.ts'
import { defineCommand } from '../command.ts'
import { COMMANDS } from '../commands.ts'
import { renderCompletion, SHELLS } from '../completion-script.ts'
import { loadListed } from '../dispatch.ts'
import { UsageError } from '../../errors.ts'

export const completion = defineCommand({
  name: 'completion',
  summary: 'Print the completion script of a shell',
  operands: SHELLS.join(' | '),
  operandCount: { min: 1, max: 1 },
  description: `Completes git-signet and, in bash and zsh, also "git signet".

bash: put  source <(git-signet completion bash)  into ~/.bashrc.

zsh: put  source <(git-signet completion zsh)  into ~/.zshrc, after compinit.

fish: git-signet completion fish > ~/.config/fish/completions/git-signet.fish`,
  examples: ['git-signet completion bash'],
  options: {},
  async run(context, { positionals: [typed] }) {
    const shell = SHELLS.find((name) => name === typed)
    if (shell === undefined) {
      throw new UsageError('UNKNOWN_SHELL', 'completion knows bash, zsh and fish', {
        hint: 'git-signet completion bash',
      })
    }
    context.streams.stdout.write(renderCompletion(shell, await loadListed(COMMANDS)))
    return EXIT.ok
  },
})
