# Reads plans with the real Sqitch, all in one process, and prints what it makes of each: the kind,
# id and name of every change and tag, or ERROR and the reason.
use strict; use warnings; use utf8;
use App::Sqitch; use App::Sqitch::Target; use App::Sqitch::Plan; use App::Sqitch::Config;
use Path::Class qw(file);
binmode STDOUT, ':utf8';
open STDERR, '>', '/dev/null';
for my $name (@ARGV) {
    my $sqitch = App::Sqitch->new(config => App::Sqitch::Config->new);
    my $target = App::Sqitch::Target->new(sqitch => $sqitch, uri => URI->new('db:pg:'), plan_file => file($name));
    my @lines;
    my $ok = eval {
        my $plan = App::Sqitch::Plan->new(sqitch => $sqitch, target => $target);
        for my $change ($plan->changes) {
            push @lines, join ' ', 'change', $change->id, $change->name;
            push @lines, join ' ', 'tag', $_->id, $_->name for $change->tags;
        }
        1;
    };
    print "FILE $name\n", $ok ? map({ "$_\n" } @lines) : "ERROR\n";
    print "REASON ", (split /\n/, "$@")[0], "\n" unless $ok;
}
