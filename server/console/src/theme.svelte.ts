// Dark or light: as the system says, until somebody chooses. It owns the root element's data-theme.

export type Choice = 'system' | 'light' | 'dark';
const KEY = 'cnc-theme';
const dark = matchMedia('(prefers-color-scheme: dark)');

function stored(): Choice {
  const kept = localStorage.getItem(KEY);
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}

class Theme {
  choice = $state<Choice>(stored());
  private systemIsDark = $state(dark.matches);
  /** Whether it is dark now; charts are drawn again when it changes. */
  isDark = $derived(this.choice === 'system' ? this.systemIsDark : this.choice === 'dark');

  constructor() {
    dark.addEventListener('change', (event) => {
      this.systemIsDark = event.matches;
    });
    $effect.root(() => {
      $effect.pre(() => {
        document.documentElement.dataset['theme'] = this.isDark ? 'dark' : 'light';
      });
    });
  }

  choose(choice: Choice): void {
    this.choice = choice;
    if (choice === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, choice);
  }
}

export const theme = new Theme();
