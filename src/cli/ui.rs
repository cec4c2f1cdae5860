//! The only printer: results to stdout, all else to stderr.
//!
//! A reader that has gone away (`plan … | head -1`) ends the printing and nothing else. Colour and progress are for
//! terminals; NO_COLOR is obeyed.

use super::failure::{Exit, Failure};
use super::{Color, Global};
use crate::aws::{Aws, Waiting};
use crate::report::{ErrorView, counted};
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::sleep;
use tracing_subscriber::EnvFilter;

const ERROR: Style = AnsiColor::Red.on_default().bold();

/// A shorter wait for the call budget is nothing to tell, and this is how often it is told anew.
const NOTABLE: Duration = Duration::from_secs(2);

/// A wait that is told also where there is no terminal, so that nobody takes it for a hang.
const LONG: Duration = Duration::from_secs(10);

/// Where a command's words go.
pub struct Ui {
    pub verbose: bool,
    color: ColorChoice,
    /// Only on a terminal, where nothing else writes to stderr.
    spinner: Option<ProgressBar>,
    /// What is being waited for, as told last.
    told: Mutex<String>,
    /// A long wait is told plainly once.
    is_told_plainly: AtomicBool,
    /// The first write that failed for another reason than a reader gone away.
    broken: Mutex<Option<io::Error>>,
}

impl Ui {
    pub(super) fn new(global: &Global) -> Self {
        let color = match global.color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        trace(global.verbose, color);
        let quiet = global.verbose > 0 || !io::stderr().is_terminal();
        let spinner = (!quiet).then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed:.dim}") {
                bar.set_style(style);
            }
            // Nothing is waited for yet.
            bar.finish_and_clear();
            bar
        });
        let verbose = global.verbose > 0;
        Self {
            verbose,
            color,
            spinner,
            told: Mutex::default(),
            is_told_plainly: AtomicBool::default(),
            broken: Mutex::default(),
        }
    }

    /// A result: styled text, or JSON.
    pub fn result(&self, text: &str) {
        self.without_progress(|| self.write(io::stdout(), text));
    }

    /// Anything that is not the result.
    pub fn say(&self, text: &str) {
        self.without_progress(|| self.write(io::stderr(), text));
    }

    /// An error with its causes and hints.
    pub fn fail(&self, failure: &Failure) {
        let ErrorView { message, .. } = &failure.error;
        self.say(&format!("{ERROR}error:{ERROR:#} {message}\n{}", failure.error.rest("")));
    }

    /// What is being waited for: on a terminal one line that changes; elsewhere told only with -v, and when it changes.
    pub fn waiting_for(&self, what: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if *told != what {
            what.clone_into(&mut told);
            tracing::info!("{what}");
        }
        if let Some(spinner) = &self.spinner {
            if spinner.is_finished() {
                spinner.reset();
            }
            spinner.set_message(what.to_owned());
            spinner.enable_steady_tick(Duration::from_millis(100));
        }
    }

    /// There is nothing to wait for at the moment.
    pub fn rest(&self) {
        if let Some(spinner) = &self.spinner {
            spinner.disable_steady_tick();
            spinner.finish_and_clear();
        }
    }

    /// Does `work`, and tells in the meantime what of it waits for the call budget.
    pub async fn during<T>(&self, aws: &Aws, work: impl Future<Output = T>) -> T {
        let before = self.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut work = pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = sleep(NOTABLE) => match aws.waiting().first() {
                    Some(waiting) if waiting.longest >= NOTABLE => self.waiting_for_budget(waiting),
                    _ => self.waiting_for(&before),
                },
            }
        }
    }

    fn waiting_for_budget(&self, waiting: &Waiting) {
        let what = for_budget(waiting);
        self.waiting_for(&what);
        let is_silent = self.spinner.is_none() && !self.verbose && waiting.longest >= LONG;
        if is_silent && !self.is_told_plainly.swap(true, Ordering::Relaxed) {
            self.say(&format!("{what} (`--budget` is its share of AWS's rates)\n"));
        }
    }

    /// Ends the progress; says whether all could be written.
    pub fn finish(&self) -> Exit {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
        let broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(error) = broken else { return Exit::Done };
        self.fail(&Failure::world("the output could not be written").caused_by(&error));
        Exit::World
    }

    /// Whether secrets may be shown: only to somebody who sits before the terminal.
    pub fn may_reveal() -> bool {
        Self::is_watched()
    }

    /// Whether somebody sees the results as they come.
    pub fn is_watched() -> bool {
        io::stdout().is_terminal()
    }

    fn without_progress(&self, print: impl FnOnce()) {
        match &self.spinner {
            Some(spinner) => spinner.suspend(print),
            None => print(),
        }
    }

    fn write(&self, to: impl anstream::stream::RawStream + anstream::stream::AsLockedWrite, text: &str) {
        let mut stream = AutoStream::new(to, self.color);
        let written = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
        if let Err(error) = written
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            self.broken.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    }
}

fn for_budget(Waiting { region, class, calls, .. }: &Waiting) -> String {
    format!("waiting for the call budget: {class} in {region}, {}", counted(*calls, "call"))
}

/// What the crate traces, on stderr: with -v what is done, each call to AWS among it; with -vv all. Never what the
/// SDK traces: its events hold bodies.
fn trace(verbose: u8, color: ColorChoice) {
    let filter = match verbose {
        0 => return,
        1 => "ecs_operator=info,ecs_operator::aws=debug",
        _ => "ecs_operator=trace",
    };
    let styled = match color {
        ColorChoice::Always | ColorChoice::AlwaysAnsi => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => AutoStream::choice(&io::stderr()) != ColorChoice::Never,
    };
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(io::stderr)
        .with_ansi(styled)
        .with_target(false)
        .with_timer(tracing_subscriber::fmt::time::uptime())
        .init();
}
