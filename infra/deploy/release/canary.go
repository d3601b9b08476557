package release

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// Canary is watched through the alarm of its environment and the alarms that it is made of.
type Canary struct {
	Client *cloudwatch.Client
	Alarm  string        // the composite one; its parts' names begin with it
	Watch  time.Duration // how long; alarms look back a minute, so less than three says little
	Every  time.Duration
}

// Quiet looks once: an error names the alarms that are on.
func (c Canary) Quiet(ctx context.Context) error {
	on, err := c.on(ctx)
	if err != nil {
		return err
	}
	if len(on) > 0 {
		return fmt.Errorf("the alarm went off: %s", strings.Join(on, ", "))
	}
	return nil
}

// Look watches the canary for the whole time, and ends early when an alarm goes off, when alarms cannot be read, or
// with ctx.
func (c Canary) Look(ctx context.Context) error {
	end := time.NewTimer(c.Watch)
	defer end.Stop()
	again := time.NewTicker(c.Every)
	defer again.Stop()
	for {
		if err := c.Quiet(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("watching was interrupted: %w", ctx.Err())
		case <-end.C:
			return c.Quiet(ctx)
		case <-again.C:
		}
	}
}

// on lists the alarms that are on, with their reasons, when the composite one is.
func (c Canary) on(ctx context.Context) ([]string, error) {
	got, err := c.Client.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{
		AlarmNamePrefix: &c.Alarm, AlarmTypes: []types.AlarmType{types.AlarmTypeCompositeAlarm, types.AlarmTypeMetricAlarm},
	})
	if err != nil {
		return nil, fmt.Errorf("reading the alarm %s: %w", c.Alarm, err)
	}
	known, calling := false, false
	for _, alarm := range got.CompositeAlarms {
		if aws.ToString(alarm.AlarmName) == c.Alarm {
			known, calling = true, alarm.StateValue == types.StateValueAlarm
		}
	}
	if !known {
		return nil, fmt.Errorf("there is no alarm %s to watch the canary by", c.Alarm)
	}
	if !calling {
		return nil, nil
	}
	var names []string
	for _, alarm := range got.MetricAlarms {
		if alarm.StateValue == types.StateValueAlarm {
			names = append(names, fmt.Sprintf("%s (%s)", aws.ToString(alarm.AlarmName), aws.ToString(alarm.AlarmDescription)))
		}
	}
	if len(names) == 0 {
		names = []string{c.Alarm}
	}
	return names, nil
}
