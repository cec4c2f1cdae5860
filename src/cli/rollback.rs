//! `rollback`: a service back to what ran well before.

use super::Format;
use super::connection::ConnectArgs;
use super::failure::{Exit, Failure};
use super::pass::{execute, judged};
use super::ui::Ui;
use super::wait::{Wait, WaitArgs};
use crate::aws::Aws;
use crate::model::desired::{Desired, Document, Object, Origin, Policy};
use crate::model::names::{Key, Kind, last_segment};
use crate::plan::Options;
use crate::reconcile::{Planned, Session};
use crate::report::{Applied, Result as Became, RolloutState, Source, VERSION, View, json};
use crate::rollout::Progress;
use serde_json::json as value;
use std::time::Duration;

/// Take a service back to the last good revision.
///
/// A deployment under way is stopped, and AWS goes back; else the settings and the revision that ran well before are
/// deployed as they were, and nothing new is registered. What is declared now is marked as rejected: neither `apply` nor
/// `run` deploys it again until it changes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// CLUSTER/SERVICE, a service's ARN, or SERVICE in the cluster `default`
    #[arg(value_name = "SERVICE")]
    service: String,
    /// The operator instance whose service it is: what another one owns is never touched
    #[arg(long, default_value = "default")]
    owner: String,
    #[command(flatten)]
    waiting: WaitArgs,
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,
    #[command(flatten)]
    connect: ConnectArgs,
}

pub async fn run(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    let named = Named::read(&args.service)?;
    named.check_region(args.connect.region.as_deref())?;
    args.connect.connected(async |aws, poll| back(args, ui, &named, aws, poll).await).await
}

async fn back(args: &Args, ui: &Ui, named: &Named, aws: Aws, poll: Duration) -> Result<Exit, Failure> {
    let desired = named.desired(aws.default_region());
    let session = Session::new(aws, Options { owner: args.owner.clone(), ..Options::default() });
    let wait = Wait::begin(&args.waiting, poll);
    ui.waiting_for("reading what runs");
    let mut planned = session.plan_rollback(&desired).await?;
    args.connect.check_account(&planned.plan.account)?;
    named.check_account(&planned.plan.account)?;
    let view = View::of(&planned.plan, &Source::default(), false);
    let is_text = args.output == Format::Text;
    if is_text {
        // What has been done before is told once, below.
        let is_news = !planned.plan.actions.is_empty() || judged(&view) != Exit::Done;
        let text = if is_news { view.plan_text(ui.verbose) } else { String::new() };
        ui.result(&(view.heading() + &text));
    }
    let mut exit = judged(&view);
    let mut passes = Vec::new();
    if !planned.plan.actions.is_empty() {
        let outcome = execute(&session, &planned.plan).await?;
        let view = view.with_outcome(&planned.plan, &outcome);
        if is_text {
            ui.result(&view.outcome_text());
        }
        let is_done = view.objects.iter().all(|object| object.result == Some(Became::Done));
        exit = exit.worst(if is_done { Exit::Done } else { Exit::World });
        passes.push(view);
        planned = session.plan_rollback(&desired).await?;
    }
    while args.waiting.wait && exit == Exit::Done && !is_over(&planned) {
        ui.waiting_for(&format!("waiting for {} to be back", args.service));
        if let Some(ended) = wait.rest().await {
            wait.tell(ended, ui);
            exit = Exit::No;
        }
        planned = session.plan_rollback(&desired).await?;
    }
    let after = seen(&planned);
    let failed = after
        .objects
        .iter()
        .any(|object| object.rollout.as_ref().is_some_and(|rollout| rollout.state == RolloutState::Failed));
    if !is_text {
        ui.result(&json(&Applied { version: VERSION, passes, after: Some(after) }));
    } else if exit == Exit::Done {
        ui.result(&after.rollback_text());
    }
    Ok(if failed && args.waiting.wait { exit.worst(Exit::No) } else { exit })
}

fn seen(planned: &Planned) -> View {
    View::of(&planned.plan, &Source::default(), false).with_rollouts(&planned.plan, &planned.observed)
}

/// Whether AWS shows what was written, and is done with it.
fn is_over(planned: &Planned) -> bool {
    planned.plan.actions.is_empty() && !planned.plan.rollouts.values().any(Progress::is_under_way)
}

/// A service as the command line names it.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    /// Where an ARN says that it is.
    place: Option<Place>,
    cluster: String,
    service: String,
}

#[derive(Debug, PartialEq, Eq)]
struct Place {
    region: String,
    account: String,
}

impl Named {
    fn read(text: &str) -> Result<Self, Failure> {
        let unread = || {
            Failure::input(format!("`{text}` names no service"))
                .hint("write CLUSTER/SERVICE, the service's ARN, or SERVICE where the cluster is `default`")
        };
        let (place, name) = match text.strip_prefix("arn:") {
            None => (None, text),
            Some(arn) => {
                // partition:ecs:region:account:service/…
                let parts: Vec<&str> = arn.splitn(5, ':').collect();
                let [_, "ecs", region, account, resource] = parts[..] else { return Err(unread()) };
                let place = Place { region: region.to_owned(), account: account.to_owned() };
                (Some(place), resource.strip_prefix("service/").ok_or_else(unread)?)
            }
        };
        let (cluster, service) = name.split_once('/').unwrap_or(("default", name));
        if cluster.is_empty() || service.is_empty() || service.contains('/') {
            return Err(unread());
        }
        Ok(Self { place, cluster: cluster.to_owned(), service: service.to_owned() })
    }

    fn check_region(&self, asked: Option<&str>) -> Result<(), Failure> {
        match (&self.place, asked) {
            (Some(place), Some(asked)) if place.region != asked => Err(Failure::input(format!(
                "the ARN is of `{}`, and `--region` says `{asked}`",
                place.region
            ))),
            _ => Ok(()),
        }
    }

    fn check_account(&self, account: &str) -> Result<(), Failure> {
        match &self.place {
            Some(place) if place.account != account => Err(Failure::input(format!(
                "the ARN is of account `{}`, and these are credentials for `{account}`",
                place.account
            ))
            .hint("set AWS_PROFILE, or correct the ARN")),
            _ => Ok(()),
        }
    }

    /// An object that stands for the service and wants nothing of it.
    fn desired(&self, default_region: Option<&str>) -> Desired {
        let region = self.place.as_ref().map(|place| place.region.as_str()).or(default_region);
        let kind = Kind::EcsService;
        let cluster = last_segment(&self.cluster).to_owned();
        let key = Key {
            kind,
            region: region.unwrap_or_default().to_owned(),
            cluster: Some(cluster.clone()),
            name: self.service.clone(),
        };
        let origin = Origin { kind, namespace: None, name: self.service.clone(), place: String::new() };
        let service = value!({"serviceName": self.service, "cluster": cluster});
        let spec = Document::from_iter([("service".to_owned(), service)]);
        let object = Object { key: key.clone(), origin, policy: Policy::of(kind), spec };
        let mut desired = Desired::default();
        desired.objects.insert(key, object);
        desired
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Option<(String, String, Option<String>)> {
        let named = Named::read(text).ok()?;
        Some((named.cluster, named.service, named.place.map(|place| place.region)))
    }

    #[test]
    fn a_service_is_named_by_its_cluster_its_arn_or_alone() {
        let of = |cluster: &str, region: Option<&str>| {
            Some((cluster.to_owned(), "web".to_owned(), region.map(str::to_owned)))
        };
        assert_eq!(named("shop/web"), of("shop", None));
        assert_eq!(named("web"), of("default", None));
        assert_eq!(
            named("arn:aws:ecs:eu-central-1:123456789012:service/shop/web"),
            of("shop", Some("eu-central-1"))
        );
        // As they were before 2018.
        assert_eq!(
            named("arn:aws:ecs:eu-central-1:123456789012:service/web"),
            of("default", Some("eu-central-1"))
        );
        for text in
            ["", "/web", "shop/", "a/b/c", "arn:aws:ecs:r:1:cluster/shop", "arn:aws:s3:::bucket", "arn:"]
        {
            assert_eq!(named(text), None, "{text}");
        }
    }
}
