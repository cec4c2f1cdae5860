//! `import`: manifests for what runs, or for pasted JSON. It must never overwrite a file.

use super::connection::ConnectArgs;
use super::failure::{Exit, Failure};
use super::ui::Ui;
use crate::aws::ErrorKind;
use crate::import::{ImportError, Imported, manifests};
use crate::manifest::problem::Severity;
use crate::manifest::write::yaml;
use crate::manifest::{Draft, Pasted, from_pasted};
use crate::model::desired::Document;
use crate::model::names::Kind;
use crate::observe::{ReadCache, inventory};
use crate::report::counted;
use crate::source;
use std::fs;
use std::path::{Path, PathBuf};

/// Write manifests for what runs, or for pasted JSON.
///
/// Of a cluster: itself, its services with their scaling, its capacity providers, and the repositories of this account
/// that the services' images come from: the smallest manifests, with the annotation that lets `apply` take the objects
/// over. Of files: what the AWS command line takes or answers, for instance `register-task-definition
/// --cli-input-json`; a task definition and the service that runs it become one manifest.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("from").required(true))]
pub struct Args {
    /// The cluster to read, with all that is in it
    #[arg(long, value_name = "NAME", group = "from")]
    cluster: Option<String>,
    /// Files with bodies of calls or answers of AWS, or - for stdin; no AWS needed
    #[arg(long, value_name = "FILE", group = "from", num_args = 1..)]
    file: Vec<PathBuf>,
    /// The name of a body that has none, such as a policy
    #[arg(long, requires = "file")]
    name: Option<String>,
    /// A directory for one file per object, or - for one stream on stdout
    #[arg(long, value_name = "DIR", default_value = "-")]
    output: PathBuf,
    #[command(flatten)]
    connect: ConnectArgs,
}

pub async fn run(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    let Some(cluster) = &args.cluster else { return pasted(args, ui) };
    let found = args
        .connect
        .connected(async |aws, _| {
            let region = aws.default_region().unwrap_or_default();
            args.connect.check_account(aws.account_id(region).await?)?;
            let observed = inventory(&aws, &ReadCache::default(), region, cluster).await;
            let observed = observed.map_err(|error| match error.kind {
                ErrorKind::NotFound => no_cluster(cluster, region),
                _ => error.into(),
            })?;
            manifests(&observed).map_err(|problems| refused(&problems, cluster, region))
        })
        .await?;
    for note in &found.notes {
        ui.say(&format!("note: {note}\n"));
    }
    write(&found.manifests.iter().map(Written::from).collect::<Vec<_>>(), &args.output, ui)
}

/// Manifests for the bodies in files. One that cannot be read refuses all: half of them would be taken for the whole.
fn pasted(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    let read = |path: &PathBuf| source::text(path, &mut std::io::stdin().lock());
    let (texts, unreadable): (Vec<_>, Vec<_>) = args.file.iter().map(read).partition(Result::is_ok);
    let texts: Vec<(String, String)> = texts.into_iter().flatten().collect();
    let Pasted { drafts, mut problems } = from_pasted(&texts, args.name.as_deref());
    problems.extend(unreadable.into_iter().filter_map(Result::err).map(|problem| *problem));
    for problem in problems.iter().filter(|problem| ui.verbose || problem.severity != Severity::Note) {
        ui.say(&format!("{problem}\n"));
    }
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    if errors > 0 {
        let errors = counted(errors, "error");
        return Err(Failure::input(format!("the files have {errors}, so nothing is written")));
    }
    write(&drafts.iter().map(Written::from).collect::<Vec<_>>(), &args.output, ui)
}

/// A manifest to write.
struct Written<'a> {
    file: String,
    text: String,
    spec: &'a Document,
}

impl<'a> From<&'a Imported> for Written<'a> {
    fn from(one: &'a Imported) -> Self {
        let text = yaml(one.key.kind, &one.name, None, &one.annotations, &one.spec);
        Self { file: file_name(one.key.kind, &one.name), text, spec: &one.spec }
    }
}

impl<'a> From<&'a Draft> for Written<'a> {
    fn from(one: &'a Draft) -> Self {
        Self { file: file_name(one.kind, &one.name), text: one.yaml(), spec: &one.spec }
    }
}

/// How many environment variables have their value in a manifest.
fn variables(spec: &Document) -> usize {
    let containers = spec.get("taskDefinition").and_then(|body| body.get("containerDefinitions")?.as_array());
    let environments = containers.into_iter().flatten().filter_map(|one| one.get("environment")?.as_array());
    environments.map(Vec::len).sum()
}

fn no_cluster(cluster: &str, region: &str) -> Failure {
    Failure::input(format!("there is no cluster `{cluster}` in {region}"))
        .hint("name another with `--cluster`, or another Region with `--region`")
}

/// An import with holes would be taken for the whole: nothing is written.
fn refused(problems: &[ImportError], cluster: &str, region: &str) -> Failure {
    /// One cause often hits every object.
    const SHOWN: usize = 3;
    if problems.iter().any(|problem| matches!(problem, ImportError::Missing { .. })) {
        return no_cluster(cluster, region);
    }
    let failure = Failure::world("nothing is written, because not all could be read");
    let failure = problems.iter().take(SHOWN).fold(failure, |failure, problem| failure.caused_by(problem));
    match problems.len().saturating_sub(SHOWN) {
        0 => failure,
        more => failure.because(&format!("{more} more")),
    }
}

/// Writes manifests, and says how many values there are that may be secrets.
fn write(manifests: &[Written], output: &Path, ui: &Ui) -> Result<Exit, Failure> {
    if output.as_os_str() == "-" {
        ui.result(&manifests.iter().map(|one| one.text.as_str()).collect::<Vec<_>>().join("---\n"));
    } else {
        write_files(manifests, output, ui)?;
    }
    let variables: usize = manifests.iter().map(|one| variables(one.spec)).sum();
    if variables > 0 {
        let values = counted(variables, "value");
        ui.say(&format!("note: {values} of environment variables written: look for secrets among them\n"));
    }
    Ok(Exit::Done)
}

fn write_files(manifests: &[Written], output: &Path, ui: &Ui) -> Result<(), Failure> {
    let files: Vec<PathBuf> = manifests.iter().map(|one| output.join(&one.file)).collect();
    if let Some(there) = files.iter().find(|file| file.exists()) {
        return Err(Failure::input(format!("`{}` exists already", there.display()))
            .hint("name another directory with `--output`, or move the file away"));
    }
    let failed = |at: &Path, error: &std::io::Error| {
        Failure::world(format!("`{}` could not be written", at.display())).caused_by(error)
    };
    fs::create_dir_all(output).map_err(|error| failed(output, &error))?;
    for (file, one) in files.iter().zip(manifests) {
        fs::write(file, &one.text).map_err(|error| failed(file, &error))?;
        ui.result(&format!("{}\n", file.display()));
    }
    Ok(())
}

/// `checkout.service.yaml`
fn file_name(kind: Kind, name: &str) -> String {
    let kind = match kind {
        Kind::EcsCapacityProvider => "capacity-provider",
        Kind::EcsCluster => "cluster",
        Kind::EcrRepository => "repository",
        Kind::EcsService => "service",
    };
    format!("{name}.{kind}.yaml")
}
