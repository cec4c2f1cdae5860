//! `import`: manifests for what runs, or for pasted JSON. It must never overwrite a file.

use super::connection::ConnectArgs;
use super::failure::{Exit, Failure};
use super::ui::Ui;
use crate::aws::ErrorKind;
use crate::import::{ImportError, Imported, manifests};
use crate::manifest::write::yaml;
use crate::model::desired::Document;
use crate::model::names::Kind;
use crate::observe::{RevisionCache, inventory};
use crate::report::counted;
use std::fs;
use std::path::{Path, PathBuf};

/// Write manifests for what runs.
///
/// The cluster, its services with their scaling, its capacity providers, and the repositories of this account that the
/// services' images come from: the smallest manifests, with the annotation that lets `apply` take the objects over.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The cluster to read, with all that is in it
    #[arg(long, value_name = "NAME")]
    cluster: String,
    /// A directory for one file per object, or - for one stream on stdout
    #[arg(long, value_name = "DIR", default_value = "-")]
    output: PathBuf,
    #[command(flatten)]
    connect: ConnectArgs,
}

pub async fn run(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    let found = args
        .connect
        .connected(async |aws, _| {
            let region = aws.default_region().unwrap_or_default();
            args.connect.check_account(aws.account_id(region).await?)?;
            let observed = inventory(&aws, &RevisionCache::default(), region, &args.cluster).await;
            let observed = observed.map_err(|error| match error.kind {
                ErrorKind::NotFound => no_cluster(&args.cluster, region),
                _ => error.into(),
            })?;
            manifests(&observed).map_err(|problems| refused(&problems, &args.cluster, region))
        })
        .await?;
    for note in &found.notes {
        ui.say(&format!("note: {note}\n"));
    }
    write(&found.manifests, &args.output, ui)?;
    let variables: usize = found.manifests.iter().map(|one| variables(&one.spec)).sum();
    if variables > 0 {
        let values = counted(variables, "value");
        ui.say(&format!("note: {values} of environment variables written: look for secrets among them\n"));
    }
    Ok(Exit::Done)
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

fn write(manifests: &[Imported], output: &Path, ui: &Ui) -> Result<(), Failure> {
    let text = |one: &Imported| yaml(one.key.kind, &one.name, None, &one.annotations, &one.spec);
    if output.as_os_str() == "-" {
        ui.result(&manifests.iter().map(text).collect::<Vec<_>>().join("---\n"));
        return Ok(());
    }
    let files: Vec<PathBuf> = manifests.iter().map(|one| output.join(file_name(one))).collect();
    if let Some(there) = files.iter().find(|file| file.exists()) {
        return Err(Failure::input(format!("`{}` exists already", there.display()))
            .hint("name another directory with `--output`, or move the file away"));
    }
    let failed = |at: &Path, error: &std::io::Error| {
        Failure::world(format!("`{}` could not be written", at.display())).caused_by(error)
    };
    fs::create_dir_all(output).map_err(|error| failed(output, &error))?;
    for (file, one) in files.iter().zip(manifests) {
        fs::write(file, text(one)).map_err(|error| failed(file, &error))?;
        ui.result(&format!("{}\n", file.display()));
    }
    Ok(())
}

/// `checkout.service.yaml`
fn file_name(one: &Imported) -> String {
    let kind = match one.key.kind {
        Kind::EcsCapacityProvider => "capacity-provider",
        Kind::EcsCluster => "cluster",
        Kind::EcrRepository => "repository",
        Kind::EcsService => "service",
    };
    format!("{}.{kind}.yaml", one.name)
}
